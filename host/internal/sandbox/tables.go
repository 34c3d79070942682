package sandbox

import (
	"encoding/binary"
	"slices"
)

// maxTableEntries is how many entries all tables of an instance may have. An
// entry takes 8 bytes of host memory that no limit of host.toml covers.
const maxTableEntries = 1 << 20

// checkTables refuses tables that start above the limit.
func checkTables(l *layout) error {
	if total := tableEntries(l); total > maxTableEntries {
		return refusef("the tables of the module start with %d entries, the limit is %d", total, maxTableEntries)
	}
	return nil
}

func tableEntries(l *layout) uint64 {
	var total uint64
	for _, t := range l.tables {
		total += uint64(t.min)
	}
	return total
}

// capTables returns the module with every table's maximum lowered, so that all
// tables together stay within maxTableEntries; table.grow answers -1 past it.
// The engine lets a table without a maximum grow to 32 GiB of host memory in one
// instruction, which would take the whole process down, and offers no hook
// against it. A module that needs no change is returned as it is.
func capTables(b []byte, l *layout) []byte {
	if len(l.tables) == 0 {
		return b
	}
	room := uint32((maxTableEntries - tableEntries(l)) / uint64(len(l.tables)))
	changed := false
	section := binary.AppendUvarint(nil, uint64(len(l.tables)))
	for _, t := range l.tables {
		most := t.min + room
		if t.hasMax && t.max <= most {
			most = t.max
		} else {
			changed = true
		}
		section = append(section, b[t.limitsStart-1], 1) // the type of its entries; with a maximum
		section = binary.AppendUvarint(section, uint64(t.min))
		section = binary.AppendUvarint(section, uint64(most))
	}
	if !changed {
		return b
	}
	return replaceSection(b, l.tableStart, l.tableEnd, 4, section)
}

// replaceSection puts another section in the place of bytes start to end.
func replaceSection(b []byte, start, end int, id byte, content []byte) []byte {
	head := binary.AppendUvarint([]byte{id}, uint64(len(content)))
	return slices.Concat(b[:start], head, content, b[end:])
}
