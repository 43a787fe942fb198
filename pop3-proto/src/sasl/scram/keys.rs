//! The keys that a store keeps for SCRAM-SHA-256 instead of a password (RFC 5802, section 3; RFC 7677).

use alloc::vec::Vec;
use core::fmt;

use hmac::{KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::sasl::{MechanismError, prepare};
use crate::wire::argument::BadArgument;

type HmacSha256 = hmac::Hmac<Sha256>;

/// The SCRAM keys of one user. They suffice to verify a client's proof and to produce the server's, but not to log in
/// as that user. They reveal the password only if it can be guessed.
///
/// `Debug` shows no key. The keys are wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// The salt: random octets, visible to anyone who knows the user's name.
    pub salt: Vec<u8>,
    /// The number of iterations, also visible to anyone. Clients refuse fewer than 4096.
    pub iterations: u32,
    /// `StoredKey` of RFC 5802.
    pub stored_key: [u8; 32],
    /// `ServerKey` of RFC 5802.
    pub server_key: [u8; 32],
}

impl ScramKeys {
    /// The minimum number of iterations (RFC 7677, section 4). They take about a millisecond.
    pub const MIN_ITERATIONS: u32 = 4096;

    /// Derives the keys of a password, which this function [prepares](prepare). Fewer than 4096 iterations count as
    /// 4096.
    ///
    /// # Errors
    ///
    /// [`BadArgument`] if the password is empty or cannot be prepared.
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

/// A store's secret of 32 octets, from which the store derives the salt of each name. The salt of a name is always the
/// same, whether or not there is such a user.
///
/// A client gets a salt before it proves anything. If unknown names got no salt, or a different one each time, anyone
/// could find out which users exist (RFC 5802, section 9, leaves this to the server). The store therefore also answers
/// for unknown names, and keeps this secret as long as it keeps the keys.
///
/// `Debug` shows nothing of it. The secret is wiped when dropped.
#[derive(Clone)]
pub struct ScramSecret([u8; 32]);

impl ScramSecret {
    /// Wraps the secret that the store has kept.
    pub const fn new(octets: [u8; 32]) -> ScramSecret {
        ScramSecret(octets)
    }

    /// Creates a new random secret.
    ///
    /// # Errors
    ///
    /// [`MechanismError::NoRandomness`] if the system's random number generator failed.
    pub fn random() -> Result<ScramSecret, MechanismError> {
        let mut secret = ScramSecret([0; 32]);
        getrandom::getrandom(&mut secret.0).map_err(|_| MechanismError::NoRandomness)?;
        Ok(secret)
    }

    /// Returns the octets, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the salt of a name, 16 octets.
    pub fn salt(&self, user: &str) -> Vec<u8> {
        hmac(&self.0, &[b"salt ", user.as_bytes()])[..16].into()
    }

    /// Derives keys for a store that holds the password itself. Without a password, it returns keys that no password
    /// matches. Both take the same time.
    pub fn keys_of(&self, user: &str, password: Option<&str>) -> ScramKeys {
        let salt = self.salt(user);
        let derive = |password: &str| ScramKeys::derive(password, &salt, ScramKeys::MIN_ITERATIONS);
        // A password that cannot be prepared matches no user.
        password.and_then(|password| derive(password).ok()).unwrap_or_else(|| {
            // This takes as long as deriving the keys of a real password.
            core::hint::black_box(derive("nobody's password").ok());
            self.keys_of_nobody(user, ScramKeys::MIN_ITERATIONS)
        })
    }

    /// Returns keys for a name that a store of keys does not know. Use the number of iterations of the other users, and
    /// salts of 16 octets for them.
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

    /// The example of RFC 7677, section 3, which gives no keys, but proofs made with them.
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
    fn an_unknown_user_has_keys_like_a_known_one() {
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
