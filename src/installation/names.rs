//! Names in a driver's directory. All but the executable's have a dot in front:
//! kubelet overlooks those.

use flex2csi_exec::installed;

use super::FlexDriver;

/// The names of one driver.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The driver's directory.
    pub directory: String,
    /// The directory while it is made.
    pub new_directory: String,
    /// What kubelet runs.
    pub executable: String,
    /// It, while it is written. Legacy installers use `.driver` themselves.
    pub new_executable: String,
    /// What the exec binary reads.
    pub installed: String,
    /// It, while it is written.
    pub new_installed: String,
    /// The original driver.
    pub original: String,
    /// It, while it is linked.
    pub new_original: String,
    /// The original driver's answer to `init`.
    pub answer: String,
}

impl Names {
    pub fn of(driver: &FlexDriver) -> Self {
        let executable = driver.executable();
        let directory = driver.directory();
        let installed = installed::installed_file(executable);
        let original = installed::original_file(executable);
        Self {
            new_directory: format!(".{directory}.flex2csi.new"),
            new_executable: format!(".{executable}.flex2csi.new"),
            new_installed: format!("{installed}.new"),
            new_original: format!("{original}.new"),
            answer: installed::answer_file(executable),
            executable: executable.to_owned(),
            directory,
            installed,
            original,
        }
    }

    /// What is there only while something is written.
    pub fn partial(&self) -> [&str; 3] {
        [
            &self.new_executable,
            &self.new_installed,
            &self.new_original,
        ]
    }
}
