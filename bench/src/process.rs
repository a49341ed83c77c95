//! What a process uses, as Linux tells.

use std::fs;
use std::io;
use std::time::Duration;

/// What a process has used since it started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Usage {
    /// Processor time of all its threads, in hundredths of a second.
    pub(crate) cpu: Duration,
    /// Memory that it has now, in bytes.
    pub(crate) resident: u64,
}

impl Usage {
    /// # Errors
    /// The process is gone, or this is not Linux.
    pub(crate) fn of(process: u32) -> io::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let parsed = cpu(&stat).zip(resident(&status));
        let (cpu, resident) = parsed.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { cpu, resident })
    }

    /// What it used in between, and has now.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            ..self
        }
    }
}

/// The fourteenth and fifteenth field; the second is a name in parentheses that may contain anything.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
    let ticks = fields.next()?.ok()? + fields.next()?.ok()?;
    // The tick of this interface is a hundredth of a second on every architecture of Linux.
    Some(Duration::from_millis(ticks * 10))
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_processor_time_count() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 123 45 9 9 20 0 1 0 1 1 1";
        assert_eq!(cpu(stat), Some(Duration::from_millis(1680)));
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        let status = "Name:\tbench\nVmPeak:\t  9 kB\nVmRSS:\t    2 kB\n";
        assert_eq!(resident(status), Some(2048));
    }
}
