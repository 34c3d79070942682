package host

import (
	"fmt"
	"testing"
	"time"
)

// The last reloads are remembered, the latest first, and no more than some.
func TestHistory(t *testing.T) {
	var h history
	if got := h.reloads(); got == nil || len(got) != 0 {
		t.Errorf("at the start: %v", got)
	}
	h.opened()
	begun := h.last
	for i := range 3 * keepReloads {
		h.add(reloadStatus{Time: begun.Add(time.Duration(i) * time.Second), OK: i%3 == 0, Generation: int64(i)})
	}
	list := h.reloads()
	if len(list) != keepReloads || list[0].Generation != 3*keepReloads-1 || list[keepReloads-1].Generation != 2*keepReloads {
		t.Errorf("got %v", list)
	}
	if h.succeeded != keepReloads || h.failed != 2*keepReloads || h.lastOK || !h.last.Equal(begun.Add((3*keepReloads-3)*time.Second)) {
		t.Errorf("%d succeeded, %d failed, the last %v at %v", h.succeeded, h.failed, h.lastOK, h.last)
	}
}

// What stays undone is told with its reason, and what changed by its name.
func TestHistoryOfAHost(t *testing.T) {
	r := embed(t, setup{guests: map[string]*guest{"a": says("a")}})
	r.rewrite(`store.backend = "memory"`, "store.backend = \"memory\"\nlog.access = false\nplugin.a.timeout = \"1s\"")
	r.reload()
	r.rewrite(`"1s"`, `"1x"`)
	if r.Reload() == nil {
		t.Fatal("a broken file was taken up")
	}
	list := r.history.reloads()
	if len(list) != 2 || list[0].OK || len(list[0].Errors) != 1 || list[0].Generation != 2 ||
		fmt.Sprint(list[1].Changed) != "[plugin a (settings) log.access]" || list[1].Seconds <= 0 {
		t.Errorf("got %+v", list)
	}
	if all := r.scrape(); all["wasmlane_last_reload_successful"] != 0 || all[`wasmlane_reloads_total{result="failure"}`] != 1 {
		t.Error("the metrics do not tell of the failure")
	}
}
