//! Aligned columns for a terminal.

/// Aligns the columns of rows. The last column has no blanks after it.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(widest);
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let padded = row.iter().zip(widths).map(|(text, wide)| {
        let blanks = wide.saturating_sub(width(text)) + 2;
        format!("{text}{}", " ".repeat(blanks))
    });
    padded.collect::<String>().trim_end().to_owned()
}

/// Replaces control characters with U+FFFD, because a terminal would interpret them.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Returns the width of `text` in terminal columns: two for each character from U+2E80 on, such as
/// a Chinese character, and one for each other character.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{2e80}' { 1 } else { 2 }).sum()
}
