package host

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCleanMappings(t *testing.T) {
	const smaps = `00400000-009bf000 r-xp 00000000 fe:00 100 /opt/a dir/host (deleted)
Size:               5884 kB
Rss:                5308 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
009bf000-00f91000 r--p 005bf000 fe:00 100 /opt/a dir/host (deleted)
Anonymous:             4 kB
00f91000-01027000 rw-p 00b91000 fe:00 100 /opt/a dir/host (deleted)
Anonymous:             0 kB
01027000-01028000 r--p 00c00000 fe:00 100 /opt/a dir/host (deleted)
Anonymous:             0 kB
0308e000-0308f000 rw-p 00000000 00:00 0  [heap]
Anonymous:             0 kB
0408e000-0408f000 r--p 00000000 fe:00 100 /opt/a dir/host (deleted)
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0x9bf000}, {0x1027000, 0x1028000}}
	if got := cleanMappings(strings.NewReader(smaps), "/opt/a dir/host (deleted)"); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	for _, other := range []string{"", "garbage", "00400000-009bf000 r-xp\nAnonymous: 0 kB\n", "zz-9 r-xp 0 fe:00 1 /opt\nAnonymous: 0 kB\n"} {
		if got := cleanMappings(strings.NewReader(other), "/opt"); len(got) > 0 {
			t.Errorf("%q: got %x", other, got)
		}
	}
}

// The program goes on without its pages, and finds them again.
func TestForgetProgram(t *testing.T) {
	file, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	if len(cleanMappings(smaps, file)) == 0 {
		t.Error("nothing of this program was found")
	}
	for range 100 {
		forgetProgram()
	}
	r := start(t, setup{guests: map[string]*guest{"a": newGuest()}})
	forgetProgram()
	if got := r.get("/health"); got.status != 200 && got.status != 404 {
		t.Errorf("status %d", got.status)
	}
}
