//! Opaque page tokens.
//!
//! A token holds the place of the last item given and a digest of that place and of the request it
//! belongs to. A token of another operation, filter, account or Region is therefore refused, and
//! profiles made or deleted between two pages neither repeat nor hide others.

/// The token that goes on after `position` in the listing named by `scope`.
pub fn token(scope: &str, position: u64) -> String {
    let digest = digest(scope, position);
    format!("{:016x}{digest:016x}", position ^ digest.rotate_left(17))
}

/// The position a token stands for, or `None` when it is not one of this listing's.
pub fn position(scope: &str, token: &str) -> Option<u64> {
    let plain = token.len() == 32 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let (hidden, stated) = plain.then(|| token.split_at(16))?;
    let stated = u64::from_str_radix(stated, 16).ok()?;
    let position = u64::from_str_radix(hidden, 16).ok()? ^ stated.rotate_left(17);
    (digest(scope, position) == stated).then_some(position)
}

/// FNV-1a over the scope and the position.
fn digest(scope: &str, position: u64) -> u64 {
    fnv1a(scope.bytes().chain(position.to_be_bytes()))
}

/// The 64-bit FNV-1a hash: small, and the same on every machine.
pub fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        for place in [0, 1, 1000, u64::MAX] {
            assert_eq!(position("list", &token("list", place)), Some(place));
        }
    }

    #[test]
    fn a_wrong_token_is_refused() {
        let good = token("list", 7);
        let mut other = good.clone();
        other.replace_range(0..1, if good.starts_with('0') { "1" } else { "0" });
        for bad in ["", "x", &other, &good[1..], &good.to_uppercase(), &format!("{good}0")] {
            assert_eq!(position("list", bad), None, "{bad}");
        }
        assert_eq!(position("another list", &good), None);
    }
}
