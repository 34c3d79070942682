//! What no_std lacks: an allocator, and what happens at a panic.
#![allow(unsafe_code)]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size, unreachable};
use core::cell::UnsafeCell;

const PAGE: usize = 1 << 16;

/// Gives memory and takes none back: it all ends with the request.
struct Bump(UnsafeCell<(usize, usize)>); // the first free byte, and the end

// A plugin has one thread.
unsafe impl Sync for Bump {}

unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (free, end) = &mut *self.0.get();
        if *end == 0 {
            *free = memory_size(0) * PAGE;
            *end = *free;
        }
        let start = (*free + layout.align() - 1) & !(layout.align() - 1);
        let stop = match start.checked_add(layout.size()) {
            Some(stop) => stop,
            None => return core::ptr::null_mut(),
        };
        if stop > *end {
            let pages = (stop - *end + PAGE - 1) / PAGE;
            let at = memory_grow(0, pages);
            if at == usize::MAX || at * PAGE != *end {
                return core::ptr::null_mut();
            }
            *end += pages * PAGE;
        }
        *free = stop;
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump(UnsafeCell::new((0, 0)));

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    crate::log(crate::Level::Error, alloc::format!("{}", info));
    unreachable()
}
