//! The documented constraints, stated a second time and in another way than the parsers state them.

use profile::arn::Location;

/// `([0-9a-zA-Z][ _-]?)+` and at most 64 characters (`CreateInferenceProfile`).
pub(crate) fn is_name(text: &str) -> bool {
    are_spaced_words(text, 64, "")
}

/// `([0-9a-zA-Z:.][ _-]?)+` and at most 200 characters (`CreateInferenceProfile`).
pub(crate) fn is_description(text: &str) -> bool {
    are_spaced_words(text, 200, ":.")
}

fn are_spaced_words(text: &str, most: usize, more: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let letter = |c: char| matches!(c, '0'..='9' | 'a'..='z' | 'A'..='Z') || more.contains(c);
    let gap = |c: char| matches!(c, ' ' | '_' | '-');
    (1..=most).contains(&chars.len())
        && letter(chars[0])
        && chars.iter().all(|c| letter(*c) || gap(*c))
        && !chars.windows(2).any(|pair| gap(pair[0]) && gap(pair[1]))
}

/// `[a-zA-Z0-9\s._:/=+@-]*`, where nobody says which white space beyond ASCII's `\s` means: `None` then.
fn are_tag_characters(text: &str) -> Option<bool> {
    let wrong = |c: char| !c.is_ascii_alphanumeric() && !" \t\n\u{b}\u{c}\r._:/=+@-".contains(c);
    match text.chars().filter(|c| wrong(*c)).collect::<Vec<_>>() {
        wrong if wrong.is_empty() => Some(true),
        wrong if wrong.iter().all(|c| c.is_whitespace()) => None,
        _ => Some(false),
    }
}

/// 1 to 128 of those, neither `aws:` in any case nor our own prefix before them.
pub(crate) fn is_tag_key(text: &str) -> Option<bool> {
    let reserved =
        text.to_ascii_lowercase().starts_with("aws:") || text.starts_with("inference-profile-manager:");
    if !(1..=128).contains(&text.chars().count()) || reserved {
        return Some(false);
    }
    are_tag_characters(text)
}

/// 0 to 256 of those.
pub(crate) fn is_tag_value(text: &str) -> Option<bool> {
    if text.chars().count() > 256 { Some(false) } else { are_tag_characters(text) }
}

/// Parameter Store's rules of a path: `/` before each level, `[a-zA-Z0-9_.-]` in it, neither `aws` nor `ssm`
/// before all.
fn levels_of_path(text: &str) -> Option<usize> {
    let levels: Vec<&str> = text.split('/').collect();
    let (before, levels) = levels.split_first()?;
    let right = |level: &&str| {
        !level.is_empty() && level.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    };
    let first = levels.first()?.to_lowercase();
    let reserved = first.starts_with("aws") || first.starts_with("ssm");
    (before.is_empty() && levels.iter().all(right) && !reserved).then_some(levels.len())
}

/// At most 15 levels, and 256 characters because the name is a tag's value too.
pub(crate) fn is_parameter(text: &str) -> bool {
    levels_of_path(text).is_some_and(|levels| levels <= 15) && text.len() <= 256
}

/// A path with room beneath it for a level of 64 characters; a slash at its end does not count.
pub(crate) fn is_prefix(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    levels_of_path(text).is_some_and(|levels| levels <= 14) && text.len() + "/".len() + 64 <= 256
}

/// A whole number and a unit, at most 455 days; no time needs no unit. In seconds.
pub(crate) fn period(text: &str) -> Option<i64> {
    let (mut number, mut chars) = (None, text.chars().peekable());
    while let Some(digit) = chars.peek().and_then(|c| if c.is_ascii() { c.to_digit(10) } else { None }) {
        chars.next();
        number = Some(number.unwrap_or(0_u128).saturating_mul(10).saturating_add(u128::from(digit)));
    }
    let seconds = match chars.collect::<String>().as_str() {
        "" if number == Some(0) => 0,
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let total = number?.saturating_mul(seconds);
    i64::try_from(total).ok().filter(|total| *total <= 455 * 24 * 60 * 60)
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
}

/// `arn:<partition>:bedrock:<region>:<account>:application-inference-profile/<id>`
pub(crate) fn is_profile_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "bedrock", region, account, resource] = parts.as_slice() else { return false };
    let ["application-inference-profile", id] = resource.split('/').collect::<Vec<_>>()[..] else {
        return false;
    };
    let digits = account.chars().filter(char::is_ascii_digit).count();
    is_label(partition)
        && is_label(region)
        && (digits, account.chars().count()) == (12, 12)
        && !id.is_empty()
        && id.chars().all(|c| c.is_ascii_alphanumeric())
        && text.len() <= 2_048
}

/// 12 small letters and digits, a digit among them: what application inference profiles are called.
fn is_profile_id(id: &str) -> bool {
    id.len() == 12
        && id.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9'))
        && id.contains(|c: char| c.is_ascii_digit())
}

/// An ARN of a foundation model or system profile of this place, or an id.
pub(crate) fn is_copy_from(text: &str, here: &Location) -> bool {
    let alphabet = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    if text.is_empty() || text.len() > 2_048 || !text.chars().all(alphabet) {
        return false;
    }
    if !text.to_lowercase().starts_with("arn:") {
        return !text.contains('/') && !is_profile_id(text);
    }
    ["", &here.account].iter().any(|account| {
        let place = format!("arn:{}:bedrock:{}:{account}:", here.partition, here.region);
        ["foundation-model/", "inference-profile/"].iter().any(|kind| {
            let id = text.strip_prefix(&place).and_then(|resource| resource.strip_prefix(kind));
            id.is_some_and(|id| !id.is_empty() && !is_profile_id(id))
        })
    })
}

/// Whether `value` matches `pattern`, in which each `*` stands for any characters: by trying every beginning
/// of both against each other once.
pub(crate) fn matches(pattern: &str, value: &str) -> bool {
    let value: Vec<char> = value.chars().collect();
    let mut reached: Vec<bool> = (0..=value.len()).map(|read| read == 0).collect();
    for token in pattern.chars() {
        let mut next = vec![false; value.len() + 1];
        for read in 0..=value.len() {
            next[read] = match token {
                '*' => reached[..=read].contains(&true),
                _ => read > 0 && reached[read - 1] && value[read - 1] == token,
            };
        }
        reached = next;
    }
    reached[value.len()]
}
