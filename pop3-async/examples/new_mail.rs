//! Downloads the messages that are new, and deletes messages on the server some days after they were stored.
//!
//! `new-mail-async URL FOLDER DAYS`, for example `new-mail-async pop3s://mrose@pop.example.org mail 14`. The password comes from the
//! netrc file. Each message becomes a file in FOLDER; the file `seen` has the unique-id of each stored message, the
//! time, and the name of its file. A message of an earlier run is deleted only if the file is still there and has the
//! same header. At every point, a crash loses nothing: at worst the next run stores a message a second time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use pop3_async::{Connect, OwnedUniqueId, connect};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, folder, days] = arguments.as_slice() else { return Err("usage: new_mail URL FOLDER DAYS".into()) };
    let (folder, kept) = (Path::new(folder), days.parse::<u64>()?.saturating_mul(24 * 60 * 60));
    fs::create_dir_all(folder).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();

    let mut session = connect(url.parse::<Connect>()?).await?;
    let listed = usable(session.uidl().await?);

    // A mark ends when its unique-id is no longer listed, because the server may give the same id to a later message.
    let mut seen: HashMap<String, Mark> = read_seen(&folder.join("seen")).await?;
    let ids: HashSet<&String> = listed.values().collect();
    seen.retain(|id, _| ids.contains(id));

    // That message may have arrived in the meantime. Such a message is new.
    let is_due = |id: &String| seen.get(id).is_some_and(|mark| now.saturating_sub(mark.stored) >= kept);
    let due: Vec<u32> = listed.iter().filter(|(_, id)| is_due(id)).map(|(number, _)| *number).collect();
    let mut safe = BTreeSet::new();
    let mut headers = session.headers_many(due);
    while let Some(header) = headers.next().await {
        match header {
            Ok((number, header)) => {
                match begins_with(&folder.join(&seen[&listed[&number]].file), header.as_bytes()).await {
                    Ok(true) => _ = safe.insert(number),
                    Ok(false) => _ = seen.remove(&listed[&number]),
                    Err(error) => eprintln!("message {number} is kept: {}: {error}", seen[&listed[&number]].file),
                }
            }
            Err(error) if error.is_recoverable() => eprintln!("the message is kept: {error}"),
            Err(error) => return Err(error.into()),
        }
    }

    let lines: Vec<_> = seen.iter().map(|(id, mark)| mark.line(id)).collect();
    store(&mut lines.concat().as_bytes(), folder, "seen").await?;
    let mut marks = OpenOptions::new().append(true).open(folder.join("seen")).await?;

    let new = listed.iter().filter(|(_, id)| !seen.contains_key(*id)).map(|(number, _)| *number);
    let mut messages = session.retrieve_many(new.collect::<Vec<_>>());
    let mut stored = 0;
    loop {
        let mut message = match messages.next().await {
            Ok(Some(message)) => message,
            Ok(None) => break,
            // Only this message failed. The next run requests it again.
            Err(error) if error.is_recoverable() => {
                eprintln!("{error}");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (number, id) = (message.number(), &listed[&message.number()]);
        let mark = Mark { stored: now, file: format!("{now}.{}.{number}.eml", std::process::id()) };
        store(&mut message, folder, &mark.file).await?;
        // The message is safely on disk. Only now is it marked.
        marks.write_all(mark.line(id).as_bytes()).await?;
        // Without this, tokio would report a failed write only at the next one.
        marks.flush().await?;
        marks.sync_all().await?;
        if kept == 0 {
            safe.insert(number);
        }
        stored += 1;
    }

    let deleted = safe.len();
    let mut deletions = session.delete_many(safe);
    while let Some(deletion) = deletions.next().await {
        deletion?;
    }
    // Only QUIT deletes. The marks remain until their ids disappear, so after an error the next run tries again.
    session.quit().await?;
    println!("{stored} stored, {deleted} deleted");
    Ok(())
}

/// A record of a stored message.
struct Mark {
    /// The time at which it was stored, in seconds since 1970.
    stored: u64,
    file: String,
}

impl Mark {
    fn line(&self, id: &str) -> String {
        format!("{} {id} {}\n", self.stored, self.file)
    }
}

/// Returns the unique-ids in hexadecimal, because they may contain any octets, by message number. A message without an
/// id, or with that of another message, could not be recognized later, so it stays on the server.
fn usable(listed: Vec<(u32, OwnedUniqueId)>) -> BTreeMap<u32, String> {
    let mut count = HashMap::new();
    for (_, id) in &listed {
        *count.entry(id.clone()).or_insert(0) += 1;
    }
    let (usable, odd): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|(_, id)| !id.as_bytes().is_empty() && count[id] == 1);
    for (number, id) in odd {
        eprintln!("message {number} is skipped: its unique-id `{id}` is not unique");
    }
    let hex = |id: OwnedUniqueId| id.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat();
    usable.into_iter().map(|(number, id)| (number, hex(id))).collect()
}

/// Returns the marks by unique-id.
async fn read_seen(file: &Path) -> Result<HashMap<String, Mark>, Box<dyn Error>> {
    let text = match fs::read_to_string(file).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        text => text?,
    };
    // A crash may have left the last line incomplete. It then has no line end.
    let complete = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let mark = |line: &str| -> Option<(String, Mark)> {
        let mut words = line.split(' ');
        let (stored, id, file) = (words.next()?.parse().ok()?, words.next()?.to_owned(), words.next()?.to_owned());
        Some((id, Mark { stored, file }))
    };
    complete
        .map(|line| mark(line).ok_or_else(|| format!("{} has a line that is no mark", file.display()).into()))
        .collect()
}

/// Returns true if the file begins with these octets.
async fn begins_with(file: &Path, octets: &[u8]) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(file).await?.take(octets.len() as u64).read_to_end(&mut beginning).await?;
    Ok(beginning == octets)
}

/// Stores a file so that under its name, even after a crash, there is the whole content or what was there before.
async fn store(content: &mut (impl AsyncRead + Unpin), folder: &Path, name: &str) -> io::Result<()> {
    let partial = folder.join(format!("{name}.partial"));
    let mut file = File::create(&partial).await?;
    // A truncated message is an error here, never an early end.
    tokio::io::copy(content, &mut file).await?;
    file.sync_all().await?;
    fs::rename(partial, folder.join(name)).await?;
    // The new name must be on disk, too. Other systems cannot open a folder, and have no such call.
    if cfg!(unix) { File::open(folder).await?.sync_all().await } else { Ok(()) }
}
