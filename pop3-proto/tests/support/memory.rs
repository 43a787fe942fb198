//! Memory use of a piece of work: allocations, their octets, and the most that was held at once.
//!
//! The crate forbids unsafe code. A test that counts needs it: only a global allocator sees every allocation, and
//! implementing one is an unsafe promise. The test keeps the promise by passing every call on to the system's
//! allocator.

use core::cell::Cell;
use std::alloc::{GlobalAlloc, Layout, System};

struct Counting;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) allocations: usize,
    /// All octets that were ever allocated.
    pub(crate) octets: usize,
    /// The most octets that were held at once, beyond those from before.
    pub(crate) peak: usize,
}

thread_local! {
    // The counters are for this thread only: the test harness allocates in its own.
    static USAGE: Cell<Usage> = const { Cell::new(Usage { allocations: 0, octets: 0, peak: 0 }) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn note(taken: usize, given: usize) {
    let held = HELD.get().wrapping_add_unsigned(taken).wrapping_sub_unsigned(given);
    HELD.set(held);
    let Usage { allocations, octets, peak } = USAGE.get();
    let allocations = allocations + usize::from(taken > 0);
    USAGE.set(Usage { allocations, octets: octets + taken, peak: peak.max(usize::try_from(held).unwrap_or(0)) });
}

// SAFETY: all calls go to `System` as they came. The counters neither allocate nor unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller keeps the promises of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(new_size, layout.size());
        // SAFETY: `ptr` came from `System` with this layout, and the caller keeps the promises of `realloc`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: `ptr` came from `System` with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Does `work`, and returns the memory that it took.
pub(crate) fn used<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    HELD.set(0);
    USAGE.set(Usage::default());
    let result = work();
    (result, USAGE.get())
}

#[test]
fn the_counter_counts() {
    let (kept, usage) = used(|| {
        drop(vec![1_u8; 1000]);
        vec![0_u8; 100]
    });
    assert_eq!(usage, Usage { allocations: 2, octets: 1100, peak: 1000 });
    drop(kept);
}
