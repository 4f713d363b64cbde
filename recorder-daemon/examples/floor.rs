//! Attaches an empty program to sys_enter until standard input ends: the floor that `cargo xtask bench` measures against.

use std::io::Read;

use anyhow::Context;
use aya::{Btf, Ebpf, programs::BtfTracePoint};

fn main() -> anyhow::Result<()> {
    let mut object = Ebpf::load(aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/floor")))?;
    let program: &mut BtfTracePoint =
        object.program_mut("floor").context("the object has no program")?.try_into()?;
    program.load("sys_enter", &Btf::from_sys_fs()?)?;
    program.attach()?;
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
