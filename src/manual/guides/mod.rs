#![doc = include_str!(concat!(env!("OUT_DIR"), "/manual/guides/index.md"))]

super::pages! { "guides/":
    axum deploy express fastapi go keys kollus laravel machines node php pingora platforms python receiver
    ruby testing tonic
}
