//! The pieces that a server's octets consist of in a search.

use crate::sizes;

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    CrLf,
    Lf,
}

/// A line of a server, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    Ok(End),
    Err(End),
    Challenge(End),
    Blank(End),
    /// A line that is no status.
    Text(End),
    /// A lone dot.
    Dot(End),
    /// A lone dot, byte-stuffed.
    Dots(End),
    /// A CR, and then CRLF.
    Cr,
    /// [`LONGEST`] octets without a line end.
    Long,
    /// The first octet of `-ERR`.
    Dash,
    /// The rest of `-ERR`.
    Erred,
}

/// The limit for lines in a search.
pub(crate) const LONGEST: u32 = 12;

impl Unit {
    pub(crate) fn octets(self) -> &'static str {
        use End::{CrLf, Lf};
        match self {
            Unit::Ok(CrLf) => "+OK\r\n",
            Unit::Ok(Lf) => "+OK\n",
            Unit::Err(CrLf) => "-ERR\r\n",
            Unit::Err(Lf) => "-ERR\n",
            Unit::Challenge(CrLf) => "+ \r\n",
            Unit::Challenge(Lf) => "+ \n",
            Unit::Blank(CrLf) => "\r\n",
            Unit::Blank(Lf) => "\n",
            Unit::Text(CrLf) => "x\r\n",
            Unit::Text(Lf) => "x\n",
            Unit::Dot(CrLf) => ".\r\n",
            Unit::Dot(Lf) => ".\n",
            Unit::Dots(CrLf) => "..\r\n",
            Unit::Dots(Lf) => "..\n",
            Unit::Cr => "\r\r\n",
            Unit::Long => "xxxxxxxxxxxx",
            Unit::Dash => "-",
            Unit::Erred => "ERR\r\n",
        }
    }

    /// Returns the line end, or `None` for a part of a line.
    pub(crate) fn end(self) -> Option<End> {
        match self {
            Unit::Ok(end)
            | Unit::Err(end)
            | Unit::Challenge(end)
            | Unit::Blank(end)
            | Unit::Text(end)
            | Unit::Dot(end)
            | Unit::Dots(end) => Some(end),
            Unit::Cr | Unit::Erred => Some(End::CrLf),
            Unit::Long | Unit::Dash => None,
        }
    }
}

/// Returns what may arrive at once if `left` has not been consumed: each unit, and pairs of which the client can read
/// one before the caller acts. Lines end in LF only in the long search.
pub(crate) fn arrivals(left: &[Unit]) -> Vec<Vec<Unit>> {
    use End::{CrLf, Lf};
    let ends: &[End] = if sizes::is_long() { &[CrLf, Lf] } else { &[CrLf] };
    let mut arrivals: Vec<_> = ends
        .iter()
        .flat_map(|&end| {
            [
                Unit::Ok(end),
                Unit::Err(end),
                Unit::Challenge(end),
                Unit::Blank(end),
                Unit::Text(end),
                Unit::Dot(end),
                Unit::Dots(end),
            ]
        })
        .chain([Unit::Cr, Unit::Long])
        .map(|unit| vec![unit])
        .collect();
    if left == [Unit::Dash] {
        arrivals.push(vec![Unit::Erred]);
    }
    if left.is_empty() {
        arrivals.push(vec![Unit::Dash]);
        let (ok, blank) = (Unit::Ok(CrLf), Unit::Blank(CrLf));
        for first in [ok, Unit::Err(CrLf), Unit::Challenge(CrLf), Unit::Dot(CrLf)] {
            arrivals.extend([vec![first, ok], vec![first, blank]]);
        }
        arrivals.extend([vec![ok, Unit::Text(CrLf)], vec![ok, Unit::Dash]]);
        if sizes::is_long() {
            arrivals.push(vec![Unit::Ok(Lf), Unit::Blank(Lf)]);
        }
    }
    arrivals
}
