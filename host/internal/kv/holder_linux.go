package kv

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// holder says which process holds the lock on the file, as far as the system
// tells: one in another container, say, cannot be seen.
func holder(path string) string {
	const unknown = "another process"
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil {
		return unknown
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return unknown
	}
	major := st.Dev>>8&0xfff | st.Dev>>32&^0xfff
	minor := st.Dev&0xff | st.Dev>>12&^0xff
	want := fmt.Sprintf("%02x:%02x:%d", major, minor, st.Ino)
	for line := range strings.Lines(string(locks)) {
		// "1: FLOCK  ADVISORY  WRITE 4711 fd:00:1234 0 EOF"
		field := strings.Fields(line)
		if len(field) < 6 || field[1] != "FLOCK" || field[5] != want || field[4] == "0" {
			continue
		}
		if field[4] == fmt.Sprint(os.Getpid()) {
			return "this process already"
		}
		name, _ := os.ReadFile("/proc/" + field[4] + "/comm")
		return strings.TrimSpace(fmt.Sprintf("process %s %s", field[4], name))
	}
	return unknown
}
