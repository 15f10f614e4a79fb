//! Paging.

use ports::{CallError, ErrorKind, Result};

/// Moves `token` to `next`, and says whether there is another page. A token that comes twice is an error:
/// the SDK's own paginators stop there without a word, and what they leave out would look absent.
pub(crate) fn advance(
    operation: &'static str,
    token: &mut Option<String>,
    next: Option<String>,
) -> Result<bool> {
    let next = next.filter(|next| !next.is_empty());
    if next.is_some() && next == *token {
        return Err(CallError {
            operation,
            kind: ErrorKind::Unknown,
            code: "RepeatedPageToken".into(),
            message: "the service answered the page token that it was given".into(),
        });
    }
    *token = next;
    Ok(token.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_with_no_token_or_an_empty_one_and_never_with_a_repeated_one() {
        let mut token = None;
        assert_eq!(advance("a:B", &mut token, Some("1".into())), Ok(true));
        assert_eq!(advance("a:B", &mut token, Some("2".into())), Ok(true));
        assert_eq!(token.as_deref(), Some("2"));
        assert_eq!(advance("a:B", &mut token, Some("2".into())).unwrap_err().code, "RepeatedPageToken");
        assert_eq!(advance("a:B", &mut token, Some(String::new())), Ok(false));
        assert_eq!(advance("a:B", &mut token, None), Ok(false));
    }
}
