package wasmlane

import (
	"slices"
	"sync/atomic"

	"github.com/wasmlane/wasmlane/sdk/go/internal/jsonplan"
)

// plans are those of the types that PrepareJSON was told about, and that have one.
var plans atomic.Pointer[[]*jsonplan.Plan]

func planOf(v any) *jsonplan.Plan {
	all := plans.Load()
	if all == nil {
		return nil
	}
	for _, p := range *all {
		if p.Of(v) {
			return p
		}
	}
	return nil
}

// addPlan makes a plan for v's type, if it has one.
func addPlan(v any) {
	if planOf(v) != nil {
		return
	}
	p := jsonplan.New(v)
	for p != nil {
		old := plans.Load()
		var all []*jsonplan.Plan
		if old != nil {
			all = slices.Clone(*old)
		}
		all = append(all, p)
		if plans.CompareAndSwap(old, &all) {
			return
		}
	}
}
