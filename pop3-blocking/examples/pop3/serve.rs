//! `serve DIR`: a folder of messages as a POP3 server on loopback, for tests.

mod folder;

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Args;
use pop3_blocking::pop3_proto::ServerConfig;
use pop3_blocking::pop3_proto::tls::rustls;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::failure::{Failure, Status};
use crate::{notes, url};
use folder::Folder;

/// The folder to serve, and how to serve it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Serving {
    /// A Maildir, or a folder of .eml files
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// The port on 127.0.0.1; 0 chooses a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,

    /// The name of the user
    #[arg(long, value_name = "NAME", default_value = "test")]
    user: String,

    /// The password of the user, which is for tests and no secret
    #[arg(long, value_name = "PASSWORD", default_value = "test")]
    password: String,

    /// The certificate chain in a PEM file, for TLS from the beginning, or by STLS with --starttls
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The private key of the certificate in a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Removes the file of a message that a client deletes
    ///
    /// Without this option, no file is changed or removed: a deleted message is hidden until the server ends.
    #[arg(long)]
    delete_files: bool,
}

/// Serves the folder until the program is interrupted. `stls` offers STLS in place of TLS from the beginning.
pub(crate) fn run(serving: &Serving, stls: bool) -> Result<(), Failure> {
    let Serving { dir, user, password, .. } = serving;
    let folder = Folder::new(dir, user, password, serving.delete_files);
    let unusable = |error| Failure::new(Status::Io, format!("{} cannot be served: {error}", dir.display()));
    let messages = folder.count().map_err(unusable)?;
    let tls = match (&serving.cert, &serving.key) {
        (Some(cert), Some(key)) => Some(tls(cert, key)?),
        _ if stls => return Err(Failure::usage("--starttls needs --cert and --key")),
        _ => None,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, serving.port))
        .and_then(|listener| Ok((listener.local_addr()?, listener)))
        .map_err(|error| Failure::new(Status::Io, format!("port {} cannot be used: {error}", serving.port)));
    let (address, listener) = listener?;
    let inside_tls = tls.is_some() && !stls;
    let scheme = if inside_tls { "pop3s" } else { "pop" };
    let mut out = std::io::stdout();
    writeln!(out, "{scheme}://{}@{address}", url::encoded(user)).and_then(|()| out.flush()).map_err(Failure::output)?;
    let deletions = if serving.delete_files { "remove files" } else { "hide messages until the server ends" };
    notes::note(format_args!(
        "serving {messages} messages; the password is {password:?}; deletions {deletions}; Ctrl-C ends the server"
    ));
    for stream in listener.incoming().flatten() {
        let (folder, tls) = (folder.clone(), tls.clone());
        thread::spawn(move || {
            notes::detail("a client connected");
            let served = serve(stream, &folder, tls, inside_tls);
            match served {
                Ok(()) => notes::detail("a client disconnected"),
                Err(error) => notes::detail(format_args!("a connection ended: {error}")),
            }
        });
    }
    Ok(())
}

fn serve(
    stream: TcpStream,
    folder: &Folder,
    tls: Option<Arc<rustls::ServerConfig>>,
    inside_tls: bool,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    // RFC 1939, section 3, requires at least ten minutes.
    stream.set_read_timeout(Some(Duration::from_secs(600)))?;
    stream.set_write_timeout(Some(Duration::from_secs(600)))?;
    let config = ServerConfig::new().inside_tls(inside_tls);
    match tls {
        Some(tls) => pop3_blocking::serve_tls(stream, folder.maildrop(), config, tls),
        // The octets stay on this machine.
        None => pop3_blocking::serve(stream, folder.maildrop(), config.plaintext_login(true)),
    }
}

fn tls(cert: &Path, key: &Path) -> Result<Arc<rustls::ServerConfig>, Failure> {
    let unusable = |path: &Path, why: &dyn std::fmt::Display| {
        Failure::usage(format!("the file {} cannot be used: {why}", path.display()))
    };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(cert).and_then(Iterator::collect).map_err(|error| unusable(cert, &error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map(Arc::new)
        .map_err(|error| unusable(cert, &error))
}
