//! `metrics`: what a monitoring system wants to know.

use super::{error::Error, files, host::Host};

/// Print what a monitoring system wants to know, in the text format of Prometheus.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  syscall-recorder metrics
  For node_exporter, where the daemon is not to write the file itself (metrics_file):
    syscall-recorder metrics | sponge /var/lib/prometheus/node-exporter/syscall-recorder.prom

/usr/share/doc/syscall-recorder/metrics.md says what each metric is.")]
pub(super) struct Args {}

pub(super) fn metrics(_: &Args, host: &Host) -> Result<(), Error> {
    files::write(None, false, &host.daemon().metrics()?)
}
