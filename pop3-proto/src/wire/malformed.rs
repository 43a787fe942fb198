//! Errors in the content of an answer.

/// The content of an answer does not fit its command. The end of the answer is still known, so the session continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Not `count SP octets` (RFC 1939, section 5, STAT).
    #[error("the drop listing is not two numbers")]
    DropListing,
    /// Not `number SP octets` (RFC 1939, section 5, LIST).
    #[error("the scan listing is not two numbers")]
    ScanListing,
    /// Not `number SP unique-id` (RFC 1939, section 7, UIDL).
    #[error("the unique-id listing is not a number and an id")]
    UniqueId,
    /// Not a number (RFC 1460, LAST).
    #[error("the answer to LAST is not a number")]
    Last,
    /// The answer is for another message than the command.
    #[error("the answer is for another message")]
    OtherMessage,
    /// A listing has more octets than may be kept.
    #[error("the listing has more octets than may be kept")]
    ListingTooLong,
    /// A message has more octets than may be kept. Read it while it arrives instead.
    #[error("the message has more than the {limit} octets that may be kept")]
    MessageTooLong {
        /// The limit in octets.
        limit: u64,
    },
}
