//! What a plugin needs of the language's runtime: panics that reach the log, and, with
//! the feature bump, an allocator.

/// Is called before any code of the plugin runs.
#[cfg(all(target_arch = "wasm32", feature = "std"))]
pub(crate) fn begin() {
    use core::sync::atomic::{AtomicBool, Ordering};

    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.swap(true, Ordering::Relaxed) {
        std::panic::set_hook(alloc::boxed::Box::new(|info| crate::log::error(info.to_string())));
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "std")))]
pub(crate) fn begin() {}

#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    use alloc::string::ToString;

    crate::log::error(info.to_string());
    crate::host::trap()
}

/// A global allocator that moves on and never back: memory is put back to the image
/// before the next request, so freeing is work for nothing.
#[cfg(all(target_arch = "wasm32", feature = "bump"))]
#[allow(unsafe_code)]
mod bump {
    use core::alloc::{GlobalAlloc, Layout};
    use core::sync::atomic::{AtomicUsize, Ordering};

    struct Bump;

    /// What is free: from here to the end of memory. 0 before the first use.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static END: AtomicUsize = AtomicUsize::new(0);

    const PAGE: usize = 64 << 10;

    // The memory handed out lies behind what the linker has placed and behind all that was
    // handed out before, and there is one thread.
    unsafe impl GlobalAlloc for Bump {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let start = (NEXT.load(Ordering::Relaxed) + layout.align() - 1) & !(layout.align() - 1);
            let end = match start.checked_add(layout.size()) {
                Some(end) => end,
                None => return core::ptr::null_mut(),
            };
            if end <= END.load(Ordering::Relaxed) {
                NEXT.store(end, Ordering::Relaxed);
                return start as *mut u8;
            }
            grow(layout)
        }

        unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
            // The last one can be given back for free, which growing strings like.
            if ptr as usize + layout.size() == NEXT.load(Ordering::Relaxed) {
                NEXT.store(ptr as usize, Ordering::Relaxed);
            }
        }

        unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            let last = ptr as usize + layout.size() == NEXT.load(Ordering::Relaxed);
            if last && size <= END.load(Ordering::Relaxed).saturating_sub(ptr as usize) {
                NEXT.store(ptr as usize + size, Ordering::Relaxed);
                return ptr;
            }
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                core::ptr::copy_nonoverlapping(ptr, new, layout.size().min(size));
            }
            new
        }
    }

    /// Asks for more memory, behind what there is.
    #[cold]
    unsafe fn grow(layout: Layout) -> *mut u8 {
        let need = match layout.size().checked_add(layout.align()) {
            Some(need) => need,
            None => return core::ptr::null_mut(),
        };
        let page = core::arch::wasm32::memory_grow(0, (need + PAGE - 1) / PAGE);
        if page == usize::MAX {
            return core::ptr::null_mut();
        }
        let fresh = page * PAGE;
        if fresh != END.load(Ordering::Relaxed) {
            NEXT.store(fresh, Ordering::Relaxed); // somebody else took what lies between
        }
        END.store(core::arch::wasm32::memory_size(0) * PAGE, Ordering::Relaxed);
        Bump.alloc(layout)
    }

    #[global_allocator]
    static ALLOCATOR: Bump = Bump;
}
