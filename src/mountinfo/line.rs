//! A line of the table:
//! `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.

use super::{Mount, text, unescape};

/// Takes a line, without its newline, apart.
pub(super) fn parse(line: &[u8]) -> Result<Mount, &'static str> {
    // Single blanks: a field may be empty, as the source of some filesystems is.
    let mut fields = line.split(|byte| *byte == b' ');
    let mut next = |what| fields.next().ok_or(what);

    let id = number(next("no mount id")?).ok_or("a mount id that is no number")?;
    let parent = number(next("no parent id")?).ok_or("a parent id that is no number")?;
    let device = device(next("no device")?).ok_or("a device that is not MAJOR:MINOR")?;
    let root = unescape(next("no root")?).into();
    let target = unescape(next("no mount point")?).into();
    let options = text(&unescape(next("no options")?)).ok_or("options that are no text")?;
    let mut propagation = Vec::new();
    loop {
        match next("no separator")? {
            b"-" => break,
            field => {
                propagation.push(text(&unescape(field)).ok_or("a propagation that is no text")?);
            }
        }
    }
    Ok(Mount {
        id,
        parent,
        device,
        root,
        target,
        options,
        propagation,
        fs_type: unescape(next("no filesystem")?),
        source: unescape(next("no source")?),
        super_options: unescape(next("no options of the filesystem")?),
    })
}

fn number<T: std::str::FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn device(field: &[u8]) -> Option<(u32, u32)> {
    let colon = field.iter().position(|byte| *byte == b':')?;
    Some((number(&field[..colon])?, number(&field[colon + 1..])?))
}
