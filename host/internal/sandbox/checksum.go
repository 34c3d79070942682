package sandbox

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// sumSuffix is what the name of the file with a file's checksum ends in.
const sumSuffix = ".sum"

// sumSize is the size of a checksum.
const sumSize = 8

// sum is a checksum against damage, not against an attacker: two different CRCs,
// for both of which processors have instructions. It is some ten times as fast
// as SHA-256, and a start checks tens of megabytes.
type sum struct{ a, b uint32 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write adds bytes. It implements io.Writer.
func (s *sum) Write(p []byte) (int, error) {
	s.a = crc32.Update(s.a, castagnoli, p)
	s.b = crc32.Update(s.b, crc32.IEEETable, p)
	return len(p), nil
}

func (s *sum) bytes() (b [sumSize]byte) {
	binary.BigEndian.PutUint32(b[:], s.a)
	binary.BigEndian.PutUint32(b[4:], s.b)
	return b
}

// sumOf returns the checksum of some bytes.
func sumOf(p []byte) [sumSize]byte {
	var s sum
	_, _ = s.Write(p)
	return s.bytes()
}

// checksum returns the checksum of what is left of a file, in hexadecimal.
func checksum(f *os.File) ([]byte, error) {
	var s sum
	buf := make([]byte, 128<<10)
	for {
		n, err := f.Read(buf)
		_, _ = s.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			b := s.bytes()
			return hex.AppendEncode(nil, b[:]), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// writeChecksum puts a file's checksum into another, whole or not at all.
func writeChecksum(file, target string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := checksum(f)
	if err != nil {
		return err
	}
	return writeWhole(target, got)
}

// writeWhole puts bytes into a file, all or nothing.
func writeWhole(file string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
