//! What makes packages.

use anyhow::Result;

use super::{Crate, Tool};
use crate::{package::Format, setup};

const DEB: &[Tool] = &[
    Tool("dpkg-shlibdeps", "dpkg-dev"),
    Tool("lintian", "lintian"),
    Tool("mandoc", "mandoc"),
    Tool("systemd-analyze", "systemd"),
];
const RPM: &[Tool] = &[Tool("rpm", "rpm"), Tool("dpkg-deb", "dpkg"), Tool("readelf", "binutils")];
const TAR: &[Tool] = &[Tool("tar", "tar"), Tool("readelf", "binutils"), Tool("unshare", "util-linux")];

/// What builds the program with the names of its crates inside.
pub(crate) const CARGO_AUDITABLE: Crate = Crate("cargo-auditable", "0.7.7");

/// What makes Debian's package.
pub(crate) const CARGO_DEB: Crate = Crate("cargo-deb", "3.8.0");

/// What makes rpm's package.
pub(crate) const CARGO_GENERATE_RPM: Crate = Crate("cargo-generate-rpm", "0.21.1");

/// What makes packages of a format, and looks them over.
pub(crate) fn tools(format: Format) -> Result<()> {
    CARGO_AUDITABLE.install()?;
    match format {
        Format::Deb => {
            setup::tools(DEB)?;
            CARGO_DEB.install()
        }
        Format::Rpm => {
            setup::tools(RPM)?;
            CARGO_GENERATE_RPM.install()
        }
        Format::Tar => setup::tools(TAR),
    }
}
