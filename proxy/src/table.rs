//! Aligned columns for a terminal.

/// Aligns the columns of rows. The last column has no blanks after it.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    Columns::new().aligned(rows)
}

/// The widths of the columns of a table that grows, such as the output of `gatepost tap`.
pub(crate) struct Columns<const N: usize>([usize; N]);

impl<const N: usize> Columns<N> {
    pub(crate) const fn new() -> Self {
        Self([0; N])
    }

    /// Aligns further rows. A column never becomes narrower. The last column has no blanks after
    /// it.
    pub(crate) fn aligned(&mut self, rows: &[[String; N]]) -> Vec<String> {
        for row in rows {
            for (widest, text) in self.0.iter_mut().zip(row) {
                *widest = width(text).max(*widest);
            }
        }
        rows.iter().map(|row| line(row, &self.0)).collect()
    }
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let padded = row.iter().zip(widths).map(|(text, wide)| {
        let blanks = wide.saturating_sub(width(text)) + 2;
        format!("{text}{}", " ".repeat(blanks))
    });
    padded.collect::<String>().trim_end().to_owned()
}

/// Replaces control characters with U+FFFD, because a terminal interprets them.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Returns the width of `text` in terminal columns: two for each character from U+2E80 on, such as
/// a Chinese character, and one for each other character.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{2e80}' { 1 } else { 2 }).sum()
}
