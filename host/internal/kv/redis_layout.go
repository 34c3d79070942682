package kv

import (
	"strings"

	"github.com/redis/rueidis"
)

// A keyspace is two keys of Redis:
//
//	wasmlane:{NAME}:values   a hash: the values by their keys
//	wasmlane:{NAME}:keys     a sorted set: the keys, all of score 0
//
// Redis orders members of one score by their bytes, which makes the set the index
// that Next needs. The braces are a hash tag: in a Cluster both keys are in one slot,
// so a script may write both. Scripts are all that writes, and Redis runs, logs and
// replicates a script as one step: the two do not drift apart. Each write puts the
// key into the index again, which costs nothing when it is there.
//
// docs/redis.md tells operators about it.

var tag = strings.NewReplacer("%", "%25", "}", "%7D")

// redisKeys returns the keys of a keyspace. A tag ends at the first brace, and an
// empty one is none, so a name that begins with a brace would be in two slots.
func redisKeys(name string) (values, keys string) {
	prefix := "wasmlane:{" + tag.Replace(name) + "}:"
	return prefix + "values", prefix + "keys"
}

// The scripts. KEYS are those of redisKeys; ARGV begins with the key.
//
// A number of Lua is a double and cannot hold an int64, so Add leaves the arithmetic
// to HINCRBY, which takes the same spelling of a number as strconv.FormatInt
// writes and refuses an overflow. What it says of those two is known by its text,
// since Redis has no codes for them; the tests run it against the real server.
var (
	scriptSet = rueidis.NewLuaScript(`redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1`)

	scriptDelete = rueidis.NewLuaScript(`redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])`)

	scriptAdd = rueidis.NewLuaScript(`local sum = redis.pcall('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
if type(sum) == 'table' and sum.err then
  if sum.err:find('not an integer', 1, true) or sum.err:find('overflow', 1, true) then return false end
  return sum
end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return redis.call('HGET', KEYS[1], ARGV[1])`)

	scriptSwap = rueidis.NewLuaScript(`if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1`)

	scriptCreate = rueidis.NewLuaScript(`if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1`)
)
