//! Passwords: argon2id, a limited number at a time and of tries, and one answer for every kind of wrong.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::keys::random_bytes;

/// Shortest password, in characters.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Longest password, in characters.
pub const MAX_PASSWORD_CHARS: usize = 128;
/// Hashes computed at once; each takes 19 MiB and some 20 ms.
const AT_ONCE: usize = 2;
/// Hashes that may wait for their turn; more are told to come back.
const WAITING: usize = 32;
/// Tries per login name, and how soon one comes back.
const PER_LOGIN: u32 = 5;
/// Tries per address: a household or a school shares one.
const PER_ADDRESS: u32 = 20;
/// Time after which one more try is allowed.
const TRY_EVERY: Duration = Duration::from_secs(12);

/// A password as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
    hash: [u8; 32],
}

/// Why a password was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters")]
    Length,
    /// Too many tries for this name or from this address.
    #[error("too many tries")]
    TooManyTries {
        /// When the next one is allowed.
        retry_after: Duration,
    },
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked")]
    Busy,
}

/// Checks and makes passwords, with limits.
pub struct Passwords {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    per_login: DefaultKeyedRateLimiter<[u8; 32]>,
    per_address: DefaultKeyedRateLimiter<IpAddr>,
    nobodys: PasswordHash,
}

impl Default for Passwords {
    fn default() -> Passwords {
        let quota = |burst: u32| {
            let burst = NonZeroU32::new(burst).expect("the limits are not zero");
            Quota::with_period(TRY_EVERY).expect("the period is not zero").allow_burst(burst)
        };
        Passwords {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            per_login: RateLimiter::keyed(quota(PER_LOGIN)),
            per_address: RateLimiter::keyed(quota(PER_ADDRESS)),
            nobodys: PasswordHash { salt: random_bytes(), hash: random_bytes(), ..PasswordHash::parameters() },
        }
    }
}

impl Passwords {
    /// Makes a hash of a new password.
    ///
    /// # Errors
    /// [`PasswordError::Length`] and [`PasswordError::Busy`].
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
        let chars = password.chars().count();
        if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&chars) {
            return Err(PasswordError::Length);
        }
        let mut made = PasswordHash { salt: random_bytes(), ..PasswordHash::parameters() };
        made.hash = self.compute(made.clone(), password).await?;
        Ok(made)
    }

    /// Whether the password is the one kept. Without one (an unknown name) it does the same work and says no.
    ///
    /// # Errors
    /// [`PasswordError::Busy`].
    pub async fn verify(&self, password: &str, kept: Option<&PasswordHash>) -> Result<bool, PasswordError> {
        let against = kept.unwrap_or(&self.nobodys).clone();
        let expected = against.hash;
        // One that is too long cannot be right; it is not worth more work than others.
        let short: String = password.chars().take(MAX_PASSWORD_CHARS + 1).collect();
        let computed = self.compute(against, &short).await?;
        Ok(bool::from(computed.ct_eq(&expected)) && kept.is_some())
    }

    /// Counts a try to log in.
    ///
    /// # Errors
    /// [`PasswordError::TooManyTries`].
    pub fn count_try(&self, login_key: &str, address: IpAddr) -> Result<(), PasswordError> {
        let clock = DefaultClock::default();
        let refuse = |until: governor::NotUntil<_>| PasswordError::TooManyTries {
            retry_after: until.wait_time_from(clock.now()),
        };
        self.per_address.check_key(&address).map_err(refuse)?;
        self.per_login.check_key(blake3::hash(login_key.as_bytes()).as_bytes()).map_err(refuse)
    }

    /// Forgets names and addresses that have all their tries back. To be called now and then.
    pub fn tidy(&self) {
        self.per_login.retain_recent();
        self.per_login.shrink_to_fit();
        self.per_address.retain_recent();
        self.per_address.shrink_to_fit();
    }

    async fn compute(&self, with: PasswordHash, password: &str) -> Result<[u8; 32], PasswordError> {
        let _waiting = self.waiting.clone().try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn = self.at_once.clone().acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let password = password.as_bytes().to_vec();
        let computing = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            with.compute(&password)
        });
        computing.await.map_err(|_| PasswordError::Busy)
    }
}

impl PasswordHash {
    /// OWASP's parameters for argon2id.
    fn parameters() -> PasswordHash {
        PasswordHash { memory_kib: 19 * 1024, passes: 2, lanes: 1, salt: [0; 16], hash: [0; 32] }
    }

    fn compute(&self, password: &[u8]) -> [u8; 32] {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).expect("kept parameters are good");
        let mut hash = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password, &self.salt, &mut hash)
            .expect("salt and output have lengths that argon2 takes");
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_opens_and_nothing_else_does() {
        let passwords = Passwords::default();
        let kept = passwords.hash("correct horse").await.unwrap();
        assert!(passwords.verify("correct horse", Some(&kept)).await.unwrap());
        assert!(!passwords.verify("correct horsf", Some(&kept)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert_ne!(passwords.hash("correct horse").await.unwrap(), kept);
        assert_eq!(passwords.hash("short").await, Err(PasswordError::Length));
        assert_eq!(passwords.hash(&"x".repeat(129)).await, Err(PasswordError::Length));
    }

    #[test]
    fn tries_are_limited_per_name_and_per_address() {
        let passwords = Passwords::default();
        let address = |last| IpAddr::from([10, 0, 0, last]);
        for n in 0..5 {
            passwords.count_try("ada#0001", address(n)).unwrap();
        }
        let refused = passwords.count_try("ada#0001", address(9)).unwrap_err();
        assert!(matches!(refused, PasswordError::TooManyTries { retry_after } if retry_after <= TRY_EVERY));
        for n in 0..20 {
            passwords.count_try(&format!("bob#{n}"), address(77)).unwrap();
        }
        assert!(passwords.count_try("eve#0001", address(77)).is_err());
        passwords.tidy();
    }
}
