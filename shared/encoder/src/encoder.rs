//! The encoder: a package, opened, and the kernel to run it with.

use std::{fs, io, path::Path};

use crate::{
    Encoding, Kernel, PackageError, Scratch, Tokens,
    architecture::GLANCE,
    arithmetic::to_unit_length,
    bytes::Bytes,
    forward::Forward,
    kernel::Supported,
    package::{Package, Section},
    vocabulary::Vocabulary,
    wordpiece::tokenise,
};

/// Most tokens that go through the network at once. A longer batch is cut between sentences: beyond some twenty
/// sentences nothing is gained and only memory is lost.
pub const PACKED_TOKENS: usize = 512;

/// Why there is no encoder.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// The file cannot be read.
    #[error("cannot map encoder package {path}: {source}; check that set-up fetched and quantised the weights")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are not a package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The processor lacks the wanted instructions.
    #[error("this processor cannot run the {kernel:?} kernel; use Kernel::detected()")]
    Kernel {
        /// The kernel asked for.
        kernel: Kernel,
    },
}

/// A sentence encoder. Cheap to open, free of locks, the same bits on every processor.
#[derive(Debug)]
pub struct Encoder {
    package: Package,
    kernel: Supported,
}

impl Encoder {
    /// Maps a package into memory. Reads the header and the table of contents only: well under a millisecond, and
    /// weights become resident as they are used. Chooses the fastest kernel.
    ///
    /// The file must not be rewritten in place while it is open; replace it by renaming another over it.
    ///
    /// # Errors
    /// [`EncoderError::Unreadable`], and [`EncoderError::Package`] if the file is not a package of this version.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let unreadable = |source| EncoderError::Unreadable { path: path.display().to_string(), source };
        if fs::metadata(path).map_err(unreadable)?.len() == 0 {
            // Not every system maps an empty file.
            return Err(PackageError::Magic.into());
        }
        Self::new(Bytes::map(path).map_err(unreadable)?)
    }

    /// An encoder of a package in memory, which is copied to an aligned place.
    ///
    /// # Errors
    /// [`EncoderError::Package`] if the bytes are not a package of this version.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, EncoderError> {
        Self::new(Bytes::copied(&bytes))
    }

    fn new(bytes: Bytes) -> Result<Self, EncoderError> {
        Ok(Self { package: Package::open(bytes)?, kernel: Supported::detected() })
    }

    /// The same encoder on another kernel: for tests and measurements.
    ///
    /// # Errors
    /// [`EncoderError::Kernel`] if the processor lacks its instructions.
    pub fn with_kernel(self, kernel: Kernel) -> Result<Self, EncoderError> {
        let kernel = Supported::new(kernel).ok_or(EncoderError::Kernel { kernel })?;
        Ok(Self { kernel, ..self })
    }

    /// The kernel in use.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// The package's identity: SHA-256 of its content, hex. Embeddings of different identities must not be mixed.
    /// Taken from the header; [`verify`](crate::verify) checks that it is true.
    pub fn id(&self) -> &str {
        self.package.id()
    }

    /// The tokens of a text: the reference tokenizer's, cut to [`MAX_TOKENS`](crate::MAX_TOKENS) with `[CLS]` and
    /// `[SEP]` included. Only the first [`MAX_TEXT_BYTES`](crate::MAX_TEXT_BYTES) bytes are read.
    pub fn tokens(&self, text: &str) -> Tokens {
        let vocabulary = Vocabulary {
            text: self.package.section(Section::VocabularyText),
            offsets: self.package.numbers(Section::VocabularyOffsets),
            slots: self.package.numbers(Section::VocabularySlots),
        };
        tokenise(vocabulary, text)
    }

    /// The encodings of a batch, in its order. A sentence's does not depend on the others.
    pub fn encode(&self, batch: &[Tokens], scratch: &mut Scratch) -> Vec<Encoding> {
        let mut encodings = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while !rest.is_empty() {
            let mut tokens = 0;
            let fits = |sentence: &&Tokens| {
                tokens += sentence.ids().len();
                tokens <= PACKED_TOKENS
            };
            let (packed, later) = rest.split_at(rest.iter().take_while(fits).count());
            let forward = Forward { package: &self.package, batch: packed, scratch: &mut *scratch };
            encodings.extend(self.kernel.run(forward));
            rest = later;
        }
        encodings
    }

    /// The static embedding: the weighted mean of the tokens' rows of the static table, `[CLS]` and `[SEP]` left out,
    /// scaled to length one. A text without tokens gives zeros. Microseconds, where an encoding takes milliseconds.
    pub fn glance(&self, tokens: &Tokens) -> [f32; GLANCE] {
        let rows = self.package.numbers::<i8>(Section::GlanceRows).as_chunks::<GLANCE>().0;
        let scales = self.package.numbers::<f32>(Section::GlanceScales);
        let mut sum = [0.0; GLANCE];
        for &id in tokens.content() {
            let (row, scale) = (&rows[usize::from(id)], scales[usize::from(id)]);
            for index in 0..GLANCE {
                sum[index] += f32::from(row[index]) * scale;
            }
        }
        to_unit_length(&mut sum);
        sum
    }
}
