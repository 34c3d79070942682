//go:build !race && linux

package proof

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// What is held against the orders of a load, after it has ended.

// failed returns the refused orders that a function picks and that nothing excuses.
func (l *load) failed(pick func(order) bool) []order {
	return l.refused(func(o order) bool { return pick(o) && !l.stills.over(o) })
}

// refused returns the orders that were not answered 201 and that a function picks.
func (l *load) refused(pick func(order) bool) (list []order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.orders {
		if o.status != 201 && pick(o) {
			list = append(list, o)
		}
	}
	return list
}

// answered returns the orders with that status that a function picks.
func (l *load) answered(status int, pick func(order) bool) (list []order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.orders {
		if o.status == status && pick(o) {
			list = append(list, o)
		}
	}
	return list
}

// begunIn picks the orders that were begun in a time.
func begunIn(from, to time.Time) func(order) bool {
	return func(o order) bool { return !o.begun.Before(from) && o.begun.Before(to) }
}

// ownPort is what differs from one connection of a client to the other.
var ownPort = regexp.MustCompile(`(tcp \S+):\d+->`)

// reasons counts orders by what their clients saw.
func reasons(orders []order) string {
	counts := make(map[string]int)
	for _, o := range orders {
		counts[fmt.Sprintf("%d %s", o.status, ownPort.ReplaceAllString(o.failure, "$1->"))]++
	}
	var lines []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("%5d × %s", counts[reason], reason))
	}
	return strings.Join(lines, "\n")
}

// kept ends the load and reads all orders back. Each that was answered 201 has an id
// of its own and is there as it was ordered. Of the others each may be there or not,
// and none is twice.
func (l *load) kept() {
	l.t.Helper()
	l.end()
	c, err := l.connect()
	if err != nil {
		l.t.Fatalf("connecting to read the orders: %v", err)
	}
	defer c.Close()
	listed, err := c.list(l.user)
	if err != nil {
		l.t.Fatalf("reading the user's orders: %v", err)
	}
	stored := make(map[string]string) // the products by id
	twice := make(map[string]string)  // the ids by product
	for _, o := range listed {
		if other := twice[o.Product]; other != "" {
			l.t.Errorf("the order of %s was made twice, as %s and %s", o.Product, other, o.ID)
		}
		stored[o.ID], twice[o.Product] = o.Product, o.ID
	}
	made := make(map[string]string) // likewise, of those that were answered 201
	for _, o := range l.orders {
		if o.status != 201 {
			continue
		}
		if other, taken := made[o.id]; taken || o.id == "" {
			l.t.Errorf("the id %q was given to the order of %s and to that of %s", o.id, other, o.product)
		}
		made[o.id] = o.product
		if stored[o.id] != o.product {
			l.t.Errorf("order %s of %s was answered 201; in the list it is of %q", o.id, o.product, stored[o.id])
		} else if err := c.read(o.id, o.product); err != nil {
			l.t.Errorf("order %s was answered 201: %v", o.id, err)
		}
		if l.t.Failed() {
			return // or there may be thousands
		}
	}
	if len(made) == 0 {
		l.t.Fatal("no order was answered 201")
	}
	l.t.Logf("%d orders were answered 201 and are there, and %d more", len(made), len(stored)-len(made))
}

// item is an order as the host tells it.
type item struct {
	ID      string
	Product string `json:"product_id"`
}

// list reads all orders of the user.
func (c *connection) list(user string) (all []item, err error) {
	for after := ""; ; {
		status, body, _, err := c.do("GET", "/users/"+user+"/orders?limit=100&after="+after, "")
		if err != nil {
			return nil, err
		}
		var page struct {
			Orders []item
			Next   string
		}
		if err := json.Unmarshal(body, &page); err != nil || status != 200 {
			return nil, fmt.Errorf("%d %s", status, body)
		}
		all = append(all, page.Orders...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}

// read reads an order back.
func (c *connection) read(id, product string) error {
	status, body, _, err := c.do("GET", "/orders/"+id, "")
	if err != nil {
		return err
	}
	var is item
	if err := json.Unmarshal(body, &is); err != nil || status != 200 || is != (item{id, product}) {
		return fmt.Errorf("reading it gives %d %s; it was of %s", status, body, product)
	}
	return nil
}

// report logs what was measured, phase by phase.
func (l *load) report() {
	ended := l.end()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "phase\tseconds\torders\t/s\tfailed\tp50\tp99\tlongest\t")
	var failures []order
	for i, p := range l.phases {
		end := ended
		if i+1 < len(l.phases) {
			end = l.phases[i+1].begun
		}
		var took []time.Duration
		var failed int
		for _, o := range l.orders {
			if !begunIn(p.begun, end)(o) {
				continue
			}
			took = append(took, o.ended.Sub(o.begun))
			if o.status != 201 {
				failed++
				failures = append(failures, o)
			}
		}
		if len(took) == 0 {
			continue
		}
		slices.Sort(took)
		seconds := end.Sub(p.begun).Seconds()
		at := func(q float64) time.Duration {
			return took[int(q*float64(len(took)-1))].Round(100 * time.Microsecond)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%d\t%.0f\t%d\t%v\t%v\t%v\t\n",
			p.name, seconds, len(took), float64(len(took))/seconds, failed, at(.5), at(.99), at(1))
	}
	_ = w.Flush()
	l.t.Logf("\n%s%s%s", text.String(), reasons(failures), l.stills)
}
