//! Arguments → `Config` → run → `ExitCode`.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
