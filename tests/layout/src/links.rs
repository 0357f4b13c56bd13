//! Links and pictures of Markdown files. The rule checks links to files and headings of this
//! repository, including links with the repository's URL. It sends no request to a server.
//!
//! A page of the manual appears on GitHub, on docs.rs and in the book. Therefore, the relative
//! links of the page must lead to pages of the manual or to README.md, and its links to other files
//! must have the repository's URL. `build.rs` converts the relative links for docs.rs.

use std::path::{Component, Path, PathBuf};

use crate::rules::Finding;
use crate::workspace::{File, Workspace, exists};

/// Prefixes of the URLs of this repository's files.
const REPOSITORY: [&str; 2] = [
    "https://github.com/gatepost/gatepost/blob/main/",
    "https://github.com/gatepost/gatepost/tree/main/",
];

/// Folder of the manual.
const MANUAL: &str = "src/manual/";
/// The only page outside of the manual that docs.rs and the book also have.
const README: &str = "README.md";

/// Reports links and pictures whose target does not exist or has the wrong form.
pub fn links(workspace: &Workspace) -> Vec<Finding> {
    let pages = workspace.files.iter().filter(|(path, _)| path.ends_with(".md"));
    let of_page = |(path, file): (&String, &File)| {
        let lines = (1..).zip(outside_code(&file.text));
        let targets = lines.flat_map(|(line, text)| {
            targets(&text).map(|target| (line, target.to_owned())).collect::<Vec<_>>()
        });
        let broken = targets.filter_map(|(line, target)| {
            let remedy = fault(workspace, path, &target)?;
            let message = format!("expected a valid target of a link, found `{target}`; {remedy}");
            Some(Finding::new(path, line, &target, message))
        });
        broken.collect::<Vec<_>>()
    };
    pages.flat_map(of_page).collect()
}

/// Returns the lines of a page without code. A fenced line becomes empty; inline code disappears.
fn outside_code(text: &str) -> Vec<String> {
    let mut fenced = false;
    let line = |line: &str| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        let code = fenced || fence;
        if code { String::new() } else { line.split('`').step_by(2).collect() }
    };
    text.lines().map(line).collect()
}

/// Returns the targets of the links and pictures in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let of = |opening: &'static str, end: char| {
        line.split(opening).skip(1).filter_map(move |rest| Some(rest.split_once(end)?.0))
    };
    of("](", ')').chain(of("src=\"", '"')).chain(of("srcset=\"", '"')).chain(of("href=\"", '"'))
}

/// Returns the remedy if the target of a link in `page` is wrong. Does not check targets outside
/// this repository.
fn fault(workspace: &Workspace, page: &str, target: &str) -> Option<&'static str> {
    let inside = REPOSITORY.iter().find_map(|prefix| target.strip_prefix(prefix));
    if target.contains("::") {
        return Some("write the relative path of a page, or the URL of an item on docs.rs");
    }
    if inside.is_none() && target.contains("://") {
        return None;
    }
    let (path, heading) = split_heading(inside.unwrap_or(target));
    let file = match path {
        "" => page.to_owned(),
        _ if inside.is_some() => path.to_owned(),
        _ => resolve(Path::new(page).parent()?, path)?,
    };
    if !workspace.files.contains_key(&file) && !exists(&file) {
        return Some("correct the path");
    }
    let is_page = file.starts_with(MANUAL) && !is_folder(&file) || file == README;
    if page.starts_with(MANUAL) && inside.is_none() && !is_page {
        return Some("write the URL of the file on GitHub, because the book has only the manual");
    }
    let text =
        workspace.files.get(&file).filter(|_| !heading.is_empty() && file.ends_with(".md"))?;
    let known = headings(&text.text).any(|name| name == heading);
    (!known).then_some("after #, write the heading in lower case, with a hyphen for each space")
}

fn split_heading(target: &str) -> (&str, &str) {
    target.split_once('#').unwrap_or((target, ""))
}

fn is_folder(path: &str) -> bool {
    !path.rsplit('/').next().unwrap_or_default().contains('.')
}

/// Resolves a relative path. Returns `None` if the path leaves the repository.
fn resolve(folder: &Path, path: &str) -> Option<String> {
    let mut found = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => found.pop().then_some(())?,
            Component::Normal(name) => found.push(name),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    Some(found.to_str()?.to_owned())
}

/// Returns the anchors that GitHub creates for the headings of a page.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let mut fenced = false;
    let outside = move |line: &&str| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    };
    text.lines().filter(outside).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept =
            title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let files = [("src/manual/page.md", text), ("README.md", "# Try it, now\n")];
        links(&Workspace::fixture(&files)).into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn reports_links_to_missing_files_and_headings() {
        let text = "# A page\n[a](../../README.md#try-it-now) [b](#a-page) [c](gone.md) [d](../../README.md#gone)\n\
                    ![e](pictures/gone.svg) <img src=\"gone.png\">\n\
                    [f](https://github.com/gatepost/gatepost/blob/main/gone.rs)";
        let expected = [
            "gone.md",
            "../../README.md#gone",
            "pictures/gone.svg",
            "gone.png",
            "https://github.com/gatepost/gatepost/blob/main/gone.rs",
        ];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn reports_links_of_manual_that_fail_on_github_docs_rs_or_in_book() {
        let text = "# A page\n[a](../../README.md) [b](page.md#a-page) [c](crate::manual::page)\n\
                    [d](../lib.rs) [e](guides) [f](https://github.com/gatepost/gatepost/blob/main/src/lib.rs)";
        assert_eq!(found(text), ["crate::manual::page", "../lib.rs", "guides"]);
    }

    #[test]
    fn ignores_code_and_links_to_other_servers() {
        let text = "`[a](gone.md)` [b](https://example.com/gone) \n```\n[d](gone.md)\n```\n";
        assert!(found(text).is_empty(), "expected no findings, found {:?}", found(text));
    }
}
