package sandbox

import (
	"context"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasmlane/wasmlane/host/internal/meter"
)

// global is a mutable global of an instance, to be saved and restored. One of 128
// bits has two functions instead of a cell, because the engine sets half of it.
type global struct {
	cell     api.MutableGlobal
	get, set api.Function
}

// globalOf finds a global of an instance by its exports.
func globalOf(module api.Module, g meter.Global) (global, error) {
	var found global
	if g.Type == meter.V128 {
		found.get, found.set = module.ExportedFunction(g.Get), module.ExportedFunction(g.Set)
		if found.get == nil || found.set == nil {
			return found, errExports
		}
		return found, nil
	}
	cell, ok := module.ExportedGlobal(g.Export).(api.MutableGlobal)
	if !ok {
		return found, errExports
	}
	found.cell = cell
	return found, nil
}

// save appends the global's value.
func (g global) save(values []uint64) ([]uint64, error) {
	if g.cell != nil {
		return append(values, g.cell.Get()), nil
	}
	var halves [2]uint64
	if err := g.get.CallWithStack(context.Background(), halves[:]); err != nil {
		return values, err
	}
	return append(values, halves[:]...), nil
}

// restore sets the global to the first of values, and returns the others.
func (g global) restore(values []uint64) ([]uint64, error) {
	if g.cell != nil {
		g.cell.Set(values[0])
		return values[1:], nil
	}
	halves := [2]uint64{values[0], values[1]}
	return values[2:], g.set.CallWithStack(context.Background(), halves[:])
}
