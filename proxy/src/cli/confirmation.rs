//! Confirmations at the terminal, before irreversible commands.

use std::io::BufRead;

use super::error::CommandError;

/// Texts of a confirmation by the operator.
pub(super) struct Confirmation<'q> {
    /// Effect of the command, for example "you cannot undo the deletion of `x`".
    pub(super) warning: &'q str,
    /// Prompt without the question mark, for example "delete `x`".
    pub(super) question: &'q str,
    /// Error message if the operator does not confirm.
    pub(super) refused: &'q str,
}

impl Confirmation<'_> {
    /// Asks the operator at the terminal: prints the prompt with `ask`, and reads a line from
    /// `answers`.
    ///
    /// # Errors
    ///
    /// Returns an error without a terminal, and for any input other than `y`, `Y` or `yes`.
    pub(super) fn ask(
        &self,
        is_terminal: bool,
        mut answers: impl BufRead,
        ask: impl FnOnce(&str),
    ) -> Result<(), CommandError> {
        let Self { warning, question, refused } = self;
        if !is_terminal {
            let message = format!("{warning}; confirm at a terminal, or add --yes");
            return Err(CommandError::NotConfirmed(message));
        }
        ask(&format!("{warning}; {question}? [y/N]"));
        let mut answer = String::new();
        let read = answers.read_line(&mut answer);
        let is_yes = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
        if is_yes { Ok(()) } else { Err(CommandError::NotConfirmed((*refused).to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(is_terminal: bool, answer: &str) -> (Result<(), String>, Option<String>) {
        let mut asked = None;
        let confirmation = Confirmation {
            warning: "you cannot undo the deletion of `x`",
            question: "delete `x`",
            refused: "gatepost deleted nothing",
        };
        let ask = |question: &str| asked = Some(question.to_owned());
        let result = confirmation.ask(is_terminal, answer.as_bytes(), ask);
        (result.map_err(|error| error.to_string()), asked)
    }

    #[test]
    fn confirms_only_after_yes() {
        let question = "you cannot undo the deletion of `x`; delete `x`? [y/N]".to_owned();
        assert_eq!(answered(true, "y\n"), (Ok(()), Some(question.clone())));
        for answer in ["n\n", "\n", "", "maybe y\n"] {
            let refused = Err("gatepost deleted nothing".to_owned());
            assert_eq!(answered(true, answer), (refused, Some(question.clone())), "{answer:?}");
        }
    }

    #[test]
    fn requires_option_yes_without_terminal() {
        let (result, asked) = answered(false, "y\n");
        assert!(result.unwrap_err().ends_with("; confirm at a terminal, or add --yes"));
        assert_eq!(asked, None);
    }
}
