//! Reading.

/// The bytes are no protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is not well-formed protobuf")]
pub struct Malformed;

/// A field as it stands in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// All of it: tag, length, value.
    pub whole: &'a [u8],
    /// The content, if its wire type is `LEN`: text, bytes or a message.
    pub content: Option<&'a [u8]>,
}

const VARINT: u64 = 0;
const I64: u64 = 1;
const LEN: u64 = 2;
const GROUP_START: u64 = 3;
const GROUP_END: u64 = 4;
const I32: u64 = 5;

/// How deep groups may stand in groups; protobuf's own readers allow 100 messages.
const GROUPS: usize = 100;

/// The fields of a message, in their order.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// Iterates over the fields of a message; after an error there is nothing more.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.rest;
        let read = field(&mut self.rest);
        let whole = &start[..start.len() - self.rest.len()];
        if read.is_err() {
            self.rest = &[];
        }
        Some(read.map(|(number, content)| Field {
            number,
            whole,
            content,
        }))
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<(u32, Option<&'a [u8]>), Malformed> {
    let (number, wire_type) = tag(rest)?;
    match wire_type {
        LEN => Ok((number, Some(delimited(rest)?))),
        GROUP_START => skip_group(rest, number).map(|()| (number, None)),
        other => skip(rest, other).map(|()| (number, None)),
    }
}

fn tag(rest: &mut &[u8]) -> Result<(u32, u64), Malformed> {
    let tag = varint(rest)?;
    let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
    if number == 0 || number > (1 << 29) - 1 {
        return Err(Malformed);
    }
    Ok((number, tag & 7))
}

fn skip(rest: &mut &[u8], wire_type: u64) -> Result<(), Malformed> {
    match wire_type {
        VARINT => varint(rest).map(drop),
        I64 => take(rest, 8).map(drop),
        I32 => take(rest, 4).map(drop),
        LEN => delimited(rest).map(drop),
        _ => Err(Malformed),
    }
}

fn skip_group(rest: &mut &[u8], number: u32) -> Result<(), Malformed> {
    let mut open = vec![number];
    while let Some(innermost) = open.last() {
        match tag(rest)? {
            (number, GROUP_END) if number == *innermost => drop(open.pop()),
            (number, GROUP_START) if open.len() < GROUPS => open.push(number),
            (_, wire_type) => skip(rest, wire_type)?,
        }
    }
    Ok(())
}

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(Malformed)?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(Malformed);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn delimited<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(varint(rest)?).map_err(|_| Malformed)?;
    take(rest, length)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    Ok(taken)
}

/// The text of a field that is not repeated: the last one counts, and an absent
/// one is empty.
///
/// # Errors
/// The message is malformed, or the text is not UTF-8.
pub fn last_text(message: &[u8], number: u32) -> Result<&str, Malformed> {
    let mut text = "";
    for field in fields(message) {
        let field = field?;
        if let (true, Some(content)) = (field.number == number, field.content) {
            text = std::str::from_utf8(content).map_err(|_| Malformed)?;
        }
    }
    Ok(text)
}

/// Every text at the end of a path of field numbers.
///
/// # Errors
/// A message on the way is malformed, or a text is not UTF-8.
pub fn texts_at<'a>(message: &'a [u8], path: &[u32]) -> Result<Vec<&'a str>, Malformed> {
    let mut found = Vec::new();
    collect_texts(message, path, &mut found)?;
    Ok(found)
}

fn collect_texts<'a>(
    message: &'a [u8],
    path: &[u32],
    found: &mut Vec<&'a str>,
) -> Result<(), Malformed> {
    let Some((number, below)) = path.split_first() else {
        return Ok(());
    };
    for field in fields(message) {
        let field = field?;
        let (true, Some(content)) = (field.number == *number, field.content) else {
            continue;
        };
        if below.is_empty() {
            found.push(std::str::from_utf8(content).map_err(|_| Malformed)?);
        } else {
            collect_texts(content, below, found)?;
        }
    }
    Ok(())
}

/// The entries of a `map<string, string>` field, in the order in which they stand.
///
/// # Errors
/// The message or an entry is malformed, or a text is not UTF-8.
pub fn map_entries(message: &[u8], number: u32) -> Result<Vec<(&str, &str)>, Malformed> {
    let mut entries = Vec::new();
    for field in fields(message) {
        let field = field?;
        if let (true, Some(entry)) = (field.number == number, field.content) {
            entries.push((last_text(entry, 1)?, last_text(entry, 2)?));
        }
    }
    Ok(entries)
}
