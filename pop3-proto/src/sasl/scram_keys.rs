//! What a store keeps for SCRAM-SHA-256 instead of a password (RFC 5802, section 3; RFC 7677).

use alloc::vec::Vec;
use core::fmt;

use hmac::{KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::sasl::prepare;
use crate::wire::argument::BadArgument;

type HmacSha256 = hmac::Hmac<Sha256>;

/// The keys of one user: enough to recognize a proof of the password, and to prove that one has them; neither to log in
/// as that user, nor the password unless it can be guessed.
///
/// `Debug` shows no key. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// The salt, which everybody may see who knows the user's name: some random octets.
    pub salt: Vec<u8>,
    /// How often the password was hashed, which everybody may see too. 4096 or more, or clients refuse.
    pub iterations: u32,
    /// `StoredKey` of RFC 5802.
    pub stored_key: [u8; 32],
    /// `ServerKey` of RFC 5802.
    pub server_key: [u8; 32],
}

impl ScramKeys {
    /// The iterations that are asked for at the least (RFC 7677, section 4). So many take a millisecond or so.
    pub const MIN_ITERATIONS: u32 = 4096;

    /// The keys of a password, [prepared](prepare) here. Fewer than 4096 iterations count as 4096.
    ///
    /// # Errors
    ///
    /// [`BadArgument`] for a password that is empty or cannot be prepared.
    pub fn derive(password: &str, salt: &[u8], iterations: u32) -> Result<ScramKeys, BadArgument> {
        let password = prepare(password)?;
        if password.is_empty() {
            return Err(BadArgument::Empty);
        }
        let iterations = iterations.max(Self::MIN_ITERATIONS);
        let mut salted = Zeroizing::new([0; 32]);
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, &mut salted[..]);
        let client_key = Zeroizing::new(hmac(&salted[..], &[b"Client Key"]));
        Ok(ScramKeys {
            salt: salt.into(),
            iterations,
            stored_key: Sha256::digest(&client_key[..]).into(),
            server_key: hmac(&salted[..], &[b"Server Key"]),
        })
    }
}

impl Drop for ScramKeys {
    fn drop(&mut self) {
        self.stored_key.zeroize();
        self.server_key.zeroize();
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// 32 octets that only the store knows, from which it makes the salt of each name: always the same one for the same name,
/// whether there is such a user or not.
///
/// Who begins SCRAM gets a salt before he proves anything. A name for which there is none, or another one each time, would
/// be known to be nobody's (RFC 5802, section 9, leaves that to the server). So the store answers for nobody too, and keeps
/// the secret as long as it keeps the keys.
///
/// `Debug` shows nothing of it. Wiped when dropped.
#[derive(Clone)]
pub struct ScramSecret([u8; 32]);

impl ScramSecret {
    /// The secret that the store has kept.
    pub const fn new(octets: [u8; 32]) -> ScramSecret {
        ScramSecret(octets)
    }

    /// A new secret, of the system's random numbers.
    ///
    /// # Errors
    ///
    /// The system has none to give.
    pub fn random() -> Result<ScramSecret, NoRandomness> {
        let mut secret = ScramSecret([0; 32]);
        getrandom::getrandom(&mut secret.0).map_err(|_| NoRandomness)?;
        Ok(secret)
    }

    /// The octets, to be kept.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The salt of a name, 16 octets.
    pub fn salt(&self, user: &str) -> Vec<u8> {
        hmac(&self.0, &[b"salt ", user.as_bytes()])[..16].into()
    }

    /// For a store that has the password itself: its keys, made anew; without a password keys that nobody has. The two take
    /// the same time.
    pub fn keys_of(&self, user: &str, password: Option<&str>) -> ScramKeys {
        let salt = self.salt(user);
        let derive = |password: &str| ScramKeys::derive(password, &salt, ScramKeys::MIN_ITERATIONS);
        // What cannot be prepared is nobody's password either.
        password.and_then(|password| derive(password).ok()).unwrap_or_else(|| {
            // The work is done for the time that it takes.
            core::hint::black_box(derive("nobody's password").ok());
            self.keys_of_nobody(user, ScramKeys::MIN_ITERATIONS)
        })
    }

    /// For a store of keys: what it gives for a name that it does not know, with as many iterations as it has for others.
    /// The salts of the others should be 16 octets long too.
    pub fn keys_of_nobody(&self, user: &str, iterations: u32) -> ScramKeys {
        ScramKeys {
            salt: self.salt(user),
            iterations,
            stored_key: hmac(&self.0, &[b"stored ", user.as_bytes()]),
            server_key: hmac(&self.0, &[b"server ", user.as_bytes()]),
        }
    }
}

impl Drop for ScramSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ScramSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramSecret(..)")
    }
}

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no random numbers")]
pub struct NoRandomness;

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3, which has no keys but proofs made by them.
    #[test]
    fn the_keys_of_the_rfc() {
        const SALT: &[u8] = b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81";
        const SAID: &[u8] = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let decode = |text: &[u8]| {
            let mut space = [0; 33];
            <[u8; 32]>::try_from(crate::wire::base64::decode(text, &mut space).unwrap()).unwrap()
        };
        let keys = ScramKeys::derive("pencil", SALT, 4096).unwrap();
        let proof = decode(b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let signature = hmac(&keys.stored_key, &[SAID]);
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(proof, signature)| proof ^ signature).collect();
        assert_eq!(Sha256::digest(client_key)[..], keys.stored_key);
        assert_eq!(hmac(&keys.server_key, &[SAID]), decode(b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    }

    #[test]
    fn a_password_is_prepared_and_iterations_are_never_few() {
        let keys = |password| ScramKeys::derive(password, b"salt", 1);
        assert_eq!(keys("I\u{AD}X"), keys("\u{2168}"), "RFC 4013, section 3");
        assert_eq!(keys("IX").unwrap().iterations, 4096);
        assert_eq!(keys("").err(), Some(BadArgument::Empty));
        assert_eq!(keys("\u{AD}").err(), Some(BadArgument::Empty));
        assert_eq!(keys("\u{E000}").err(), Some(BadArgument::Unprepared));
    }

    #[test]
    fn nobody_has_keys_like_anybody() {
        let secret = ScramSecret::random().unwrap();
        let (somebody, nobody) = (secret.keys_of("u", Some("pw")), secret.keys_of("v", None));
        assert_eq!((somebody.salt.len(), somebody.iterations), (nobody.salt.len(), nobody.iterations));
        assert_ne!(somebody.salt, nobody.salt);
        assert_eq!(nobody, secret.keys_of("v", None), "and they stay");
        for password in ["", "\u{E000}", "\0\u{E000}"] {
            assert_eq!(nobody, secret.keys_of("v", Some(password)));
        }
        assert_ne!(nobody, secret.keys_of("v", Some("nobody's password")));
        assert_ne!(secret.salt("u"), ScramSecret::random().unwrap().salt("u"));
    }

    #[test]
    fn debug_shows_no_key() {
        extern crate std;
        let secret = ScramSecret::new([201; 32]);
        let shown = std::format!("{secret:?} {:?}", secret.keys_of("u", None));
        assert_eq!(shown, "ScramSecret(..) ScramKeys { iterations: 4096, .. }");
    }
}
