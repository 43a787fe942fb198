//! Base64, SHA-1, SHA-256, HMAC and what SCRAM makes of them, all by hand: an oracle shares no code with what it judges.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::many_single_char_names, reason = "the names of FIPS 180-4")]

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, section 4.
pub(crate) fn base64(octets: &[u8]) -> String {
    let group = |three: &[u8]| {
        let bits = three.iter().chain(&[0, 0]).take(3).fold(0_usize, |bits, octet| bits << 8 | usize::from(*octet));
        let digit = |place: usize| char::from(DIGITS[bits >> (18 - 6 * place) & 63]);
        (0..4).map(|place| if place <= three.len() { digit(place) } else { '=' }).collect::<String>()
    };
    octets.chunks(3).map(group).collect()
}

/// The other direction, for what is known to be Base64.
pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    let (mut octets, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = DIGITS.iter().position(|known| *known == digit).expect("a digit of Base64");
        bits = bits << 6 | u32::try_from(value).expect("small");
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count & 0xff) as u8);
        }
    }
    octets
}

/// A digest with blocks of 64 octets.
pub(crate) type Digest = fn(&[u8]) -> Vec<u8>;

/// A message in blocks of 16 words, completed as both digests want it (FIPS 180-4, section 5.1.1).
fn blocks(message: &[u8]) -> Vec<[u32; 16]> {
    let mut octets = message.to_vec();
    octets.push(0x80);
    octets.resize(octets.len().next_multiple_of(64), 0);
    if octets.len() - message.len() < 9 {
        octets.resize(octets.len() + 64, 0);
    }
    let end = octets.len() - 8;
    octets[end..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let word = |four: &[u8]| u32::from_be_bytes(four.try_into().expect("four octets"));
    octets.chunks(64).map(|block| std::array::from_fn(|at| word(&block[4 * at..][..4]))).collect()
}

/// FIPS 180-4, section 6.1.
pub(crate) fn sha1(message: &[u8]) -> Vec<u8> {
    let mut hash = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in blocks(message) {
        let mut words = block.to_vec();
        for t in 16..80 {
            words.push((words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = hash;
        for (t, word) in words.iter().enumerate() {
            let (f, k) = match t / 20 {
                0 => (b & c ^ !b & d, 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c ^ b & d ^ c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let sum = [f, e, k, *word].into_iter().fold(a.rotate_left(5), u32::wrapping_add);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (sum, part) in hash.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    hash.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// The first 32 bits of the fractional part of a root of `n`, which is all that is behind SHA-256's constants.
fn fraction_of_root(n: u128, cube: bool) -> u32 {
    // The largest integer whose power does not exceed n times two to the power of 32 times the degree.
    let (mut low, mut high) = (0_u128, 1 << 36);
    let degree = if cube { 3 } else { 2 };
    while high - low > 1 {
        let middle = u128::midpoint(low, high);
        if middle.pow(degree) <= n << (32 * degree) { low = middle } else { high = middle }
    }
    (low & 0xffff_ffff) as u32
}

fn primes() -> impl Iterator<Item = u128> {
    (2..).filter(|n| (2..*n).all(|divisor| n % divisor != 0))
}

/// FIPS 180-4, section 6.2.
pub(crate) fn sha256(message: &[u8]) -> Vec<u8> {
    static ROOTS: std::sync::LazyLock<(Vec<u32>, Vec<u32>)> = std::sync::LazyLock::new(|| {
        let roots = |cube, count| primes().take(count).map(|prime| fraction_of_root(prime, cube)).collect();
        (roots(false, 8), roots(true, 64))
    });
    let (start, constants) = &*ROOTS;
    let mut hash = start.clone();
    for block in blocks(message) {
        let mut words = block.to_vec();
        for t in 16..64 {
            let s0 = words[t - 15].rotate_right(7) ^ words[t - 15].rotate_right(18) ^ words[t - 15] >> 3;
            let s1 = words[t - 2].rotate_right(17) ^ words[t - 2].rotate_right(19) ^ words[t - 2] >> 10;
            words.push([words[t - 16], s0, words[t - 7], s1].into_iter().fold(0, u32::wrapping_add));
        }
        let mut state: [u32; 8] = std::array::from_fn(|at| hash[at]);
        for (word, constant) in words.iter().zip(constants) {
            let [a, b, c, d, e, f, g, h] = state;
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let t1 = [h, s1, e & f ^ !e & g, *constant, *word].into_iter().fold(0, u32::wrapping_add);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let t2 = s0.wrapping_add(a & b ^ a & c ^ b & c);
            state = [t1.wrapping_add(t2), a, b, c, d.wrapping_add(t1), e, f, g];
        }
        for (sum, part) in hash.iter_mut().zip(state) {
            *sum = sum.wrapping_add(part);
        }
    }
    hash.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// RFC 2104.
pub(crate) fn hmac(digest: Digest, key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = if key.len() > 64 { digest(key) } else { key.to_vec() };
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    digest(&[pad(0x5c), digest(&[&pad(0x36), message].concat())].concat())
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

/// SCRAM's proofs, the client's and the server's (RFC 5802, section 3).
pub(crate) fn scram(digest: Digest, password: &[u8], salt: &[u8], iterations: u32, auth: &[u8]) -> [Vec<u8>; 2] {
    let mut last = hmac(digest, password, &[salt, &1_u32.to_be_bytes()].concat());
    let mut salted = last.clone();
    for _ in 1..iterations {
        last = hmac(digest, password, &last);
        salted = xor(&salted, &last);
    }
    let client_key = hmac(digest, &salted, b"Client Key");
    let client_signature = hmac(digest, &digest(&client_key), auth);
    [xor(&client_key, &client_signature), hmac(digest, &hmac(digest, &salted, b"Server Key"), auth)]
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).expect("four bits")
}

#[test]
fn the_oracle_keeps_to_the_examples_of_the_rfcs() {
    // RFC 4648, section 10.
    for (octets, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!((base64(octets.as_bytes()).as_str(), unbase64(text).as_slice()), (text, octets.as_bytes()));
    }
    // RFC 3174, section 7.3, and FIPS 180-4's examples; a message of 56 octets needs a second block.
    let hex =
        |octets: Vec<u8>| octets.iter().flat_map(|octet| [octet >> 4, octet & 15]).map(hex_digit).collect::<String>();
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(hex(sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(hex(sha1(long)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_eq!(hex(sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(hex(sha256(long)), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");

    // RFC 5802, section 5, and RFC 7677, section 3.
    let auth = b"n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
        s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
    let proofs = scram(sha1, b"pencil", &unbase64("QSXCR+Q6sek8bf92"), 4096, auth);
    assert_eq!(proofs.map(|proof| base64(&proof)), ["v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="]);
    let auth = b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let proofs = scram(sha256, b"pencil", &unbase64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096, auth);
    let expected = ["dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="];
    assert_eq!(proofs.map(|proof| base64(&proof)), expected);
}
