package lanetest

import (
	"math"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// Store is a store in memory. It is safe for concurrent use.
type Store struct {
	mu     sync.Mutex
	values map[string]string
}

func newStore() *Store { return &Store{values: map[string]string{}} }

// Get returns the value of key and whether there is one.
func (s *Store) Get(key string) (value string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok = s.values[key]
	return value, ok
}

// Set stores a value without any check of its size.
func (s *Store) Set(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = value
}

// Delete removes a key.
func (s *Store) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
}

// Keys returns all keys in the order of their bytes.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]string, 0, len(s.values))
	for key := range s.values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// checkKV returns the code for a key or value outside the limits, or 0.
func checkKV(key string, values ...string) int32 {
	if len(key) < 1 || len(key) > abi.MaxKey {
		return abi.Invalid
	}
	for _, v := range values {
		if len(v) > abi.MaxValue {
			return abi.TooLarge
		}
	}
	return 0
}

// remove is kv_delete.
func (s *Store) remove(key string) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.values[key]; !ok {
		return 0
	}
	delete(s.values, key)
	return 1
}

// add is kv_add.
func (s *Store) add(key string, delta int64) (sum int64, code int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int64(0)
	if value, ok := s.values[key]; ok {
		var err error
		if n, err = strconv.ParseInt(value, 10, 64); err != nil || strconv.FormatInt(n, 10) != value {
			return 0, abi.Invalid
		}
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, abi.Invalid
	}
	s.values[key] = strconv.FormatInt(n+delta, 10)
	return n + delta, 0
}

// swap is kv_swap.
func (s *Store) swap(key, old string, wantAbsent bool, value string) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, ok := s.values[key]
	if ok == wantAbsent || !wantAbsent && have != old {
		return 0
	}
	s.values[key] = value
	return 1
}

// next is kv_list.
func (s *Store) next(prefix, after string) (key string, ok bool) {
	for _, key := range s.Keys() {
		if key > after && strings.HasPrefix(key, prefix) {
			return key, true
		}
	}
	return "", false
}
