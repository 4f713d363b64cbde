//! The kernel side: six hooks, one file each, and the maps that they share.
//!
//! It knows cgroup ids, unit numbers and syscall numbers, and no names and no policy. Counting is the
//! truth: a call is counted in place, in a row that only this processor writes, before anything else is
//! done with it.
#![no_std]
#![no_main]
#![expect(clippy::inline_always, reason = "a call costs stack and instructions that the verifier counts")]
#![expect(clippy::needless_pass_by_value, reason = "aya's macro calls a hook so")]

mod cache;
mod cgroup_mkdir;
mod cgroup_rmdir;
mod evidence;
mod maps;
mod news;
mod rows;
mod sched_process_exec;
mod sched_process_exit;
mod sched_process_fork;
mod setup;
mod sys_enter;
mod target;
mod task;
mod wanted;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    // Nothing here panics; the compiler asks for the function and the linker drops it.
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
