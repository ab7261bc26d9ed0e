//! The storage account in a Secret's name, which the in-tree plugin made as
//! `azure-storage-account-<account>-secret`.

const BEFORE: &str = "azure-storage-account-";
const AFTER: &str = "-secret";

/// The account whose key the Secret holds; the Secret's name where that does
/// not tell. As the Go library's pattern `azure-storage-account-(.+)-secret` has
/// it, text around it does not matter, and the account may not break a line.
pub(super) fn of_secret(secret: &str) -> &str {
    if let Some(account) = whole(secret) {
        return account;
    }
    secret.split('\n').find_map(account).unwrap_or(secret)
}

/// The account in a name that has nothing around it, as nearly all have.
fn whole(secret: &str) -> Option<&str> {
    let account = secret.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    (!account.is_empty() && !account.as_bytes().contains(&b'\n')).then_some(account)
}

fn account(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(BEFORE)?;
    let first = rest.chars().next()?.len_utf8();
    let end = first + rest[first..].rfind(AFTER)?;
    Some(&rest[..end])
}

/// The Secret's name of an account.
pub(super) fn secret(account: &str) -> String {
    format!("{BEFORE}{account}{AFTER}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_in_names() {
        for (name, account) in [
            ("azure-storage-account-a-secret", "a"),
            ("x-azure-storage-account-a-secret-y", "a"),
            ("azure-storage-account-a-secret-b-secret", "a-secret-b"),
            (
                "azure-storage-account--secret",
                "azure-storage-account--secret",
            ),
            ("azure-storage-account---secret", "-"),
            ("azure-storage-account-é-secret", "é"),
            (
                "azure-storage-account-a\n-secret",
                "azure-storage-account-a\n-secret",
            ),
            ("mine", "mine"),
            ("", ""),
        ] {
            assert_eq!(of_secret(name), account, "{name}");
        }
    }
}
