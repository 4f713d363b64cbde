use super::Btf;
use crate::fuzz::target;

#[test]
fn btf() {
    target!("btf", |bytes: &[u8]| {
        if let Ok(btf) = Btf::parse(bytes) {
            let _ = btf.offset("task", "mm");
        }
    });
}
