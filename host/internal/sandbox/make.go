package sandbox

import "runtime"

// Making an instance from the image takes longer than most requests, and most of
// that in the kernel, where others wait for the same lock. When many requests come
// at once, each that finds no instance idle would make its own, and while they hold
// each other up, the next ones would: a pool would be at its limit, with memory that
// nothing uses again, for load that a few instances carry. So one is made at a time,
// or a few where there are many processors. Who comes meanwhile waits, and gets the
// first that is put back or is the next to make one; after PoolOptions.Queue it makes its
// own all the same, while the pool is not at its limit.
//
// Instances that initialise themselves run guest code, which may wait for others:
// there any number is made at once.

// makersFor returns how many instances are made at a time on that many processors.
func makersFor(processors int) int { return max(1, processors/2) }

// mayMake reports whether an instance may be made now. p.mu is held.
func (p *Pool) mayMake() bool { return p.making < makersFor(runtime.GOMAXPROCS(0)) }

// make takes the place of a maker; made must follow. p.mu is held.
func (p *Pool) make() {
	if p.from != nil {
		p.making++
	}
}

// made gives the place of a maker to who waits longest. An instance was made or not.
func (p *Pool) made() {
	if p.from == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.making--
	if p.mayMake() && p.inUse < p.o.Instances && p.handOver(nil) {
		p.inUse++
	}
}
