//! A program without std and without an allocator. Were either of them to come in with the crate, the build would fail:
//! std brings a panic handler, and two are one too many; alloc wants a global allocator, and there is none.
#![no_std]
#![no_main]

use core::ffi::c_int;
use core::panic::PanicInfo;

use pop3_proto as _;

// Linux's start-up code, and memcpy and its like, which the compiler takes for granted.
#[link(name = "c")]
unsafe extern "C" {
    safe fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    abort()
}

// SAFETY: the name is the C start-up code's, called by it once, and nothing else here has it.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    0
}
