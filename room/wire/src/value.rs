//! Values that travel.

use crate::limits::{MAX_LIST, MAX_TEXT_BYTES};
use crate::{DecodeError, Reader, Writer, schema_of};

/// A value that can be written to and read from a message.
///
/// Reading is bounded: it never panics and never allocates more than the message could hold. Most types get this
/// from [`wire!`](crate::wire!).
pub trait Wire: Sized {
    /// Hash of the shape.
    const SCHEMA: u64;

    /// Appends this value.
    fn write(&self, to: &mut Writer);

    /// Reads a value.
    ///
    /// # Errors
    /// When the bits are no such value.
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The value alone, as bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// The value from all of `bytes`.
    ///
    /// # Errors
    /// When the bytes are no such value, or more than one.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::read(&mut reader)?;
        reader.end()?;
        Ok(value)
    }
}

impl Wire for () {
    const SCHEMA: u64 = schema_of("()", &[]);
    fn write(&self, _: &mut Writer) {}
    fn read(_: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

impl Wire for bool {
    const SCHEMA: u64 = schema_of("bool", &[]);
    fn write(&self, to: &mut Writer) {
        to.bool(*self);
    }
    fn read(from: &mut Reader<'_>) -> Result<bool, DecodeError> {
        from.bool()
    }
}

impl Wire for u8 {
    const SCHEMA: u64 = schema_of("u8", &[]);
    fn write(&self, to: &mut Writer) {
        to.bits(u32::from(*self), 8);
    }
    fn read(from: &mut Reader<'_>) -> Result<u8, DecodeError> {
        Ok(from.bits(8)? as u8)
    }
}

macro_rules! unsigned {
    ($($type:ident),*) => {$(
        impl Wire for $type {
            const SCHEMA: u64 = schema_of(stringify!($type), &[]);
            fn write(&self, to: &mut Writer) {
                to.varint(u64::from(*self));
            }
            fn read(from: &mut Reader<'_>) -> Result<$type, DecodeError> {
                $type::try_from(from.varint()?).map_err(|_| DecodeError::Range)
            }
        }
    )*};
}
unsigned!(u16, u32, u64);

macro_rules! signed {
    ($($type:ident),*) => {$(
        impl Wire for $type {
            const SCHEMA: u64 = schema_of(stringify!($type), &[]);
            fn write(&self, to: &mut Writer) {
                to.signed(i64::from(*self));
            }
            fn read(from: &mut Reader<'_>) -> Result<$type, DecodeError> {
                $type::try_from(from.signed()?).map_err(|_| DecodeError::Range)
            }
        }
    )*};
}
signed!(i8, i16, i32, i64);

/// 32 bits; neither NaN nor infinite.
impl Wire for f32 {
    const SCHEMA: u64 = schema_of("f32", &[]);
    fn write(&self, to: &mut Writer) {
        to.bits(self.to_bits(), 32);
    }
    fn read(from: &mut Reader<'_>) -> Result<f32, DecodeError> {
        let value = f32::from_bits(from.bits(32)?);
        if value.is_finite() { Ok(value) } else { Err(DecodeError::Range) }
    }
}

impl Wire for String {
    const SCHEMA: u64 = schema_of("text", &[]);
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }
    fn read(from: &mut Reader<'_>) -> Result<String, DecodeError> {
        from.text(MAX_TEXT_BYTES)
    }
}

impl<T: Wire> Wire for Option<T> {
    const SCHEMA: u64 = schema_of("option", &[T::SCHEMA]);
    fn write(&self, to: &mut Writer) {
        to.bool(self.is_some());
        if let Some(value) = self {
            value.write(to);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Option<T>, DecodeError> {
        if from.bool()? { Ok(Some(T::read(from)?)) } else { Ok(None) }
    }
}

impl<T: Wire> Wire for Vec<T> {
    const SCHEMA: u64 = schema_of("list", &[T::SCHEMA]);
    fn write(&self, to: &mut Writer) {
        to.varint(self.len() as u64);
        for value in self {
            value.write(to);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
        // A value that takes no bits takes no memory either, or the message would not bound the list.
        let least = usize::from(size_of::<T>() > 0);
        let length = from.length(MAX_LIST, least)?;
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(T::read(from)?);
        }
        Ok(list)
    }
}

impl<T: Wire + Copy + Default, const N: usize> Wire for [T; N] {
    const SCHEMA: u64 = schema_of("array", &[T::SCHEMA, N as u64]);
    fn write(&self, to: &mut Writer) {
        for value in self {
            value.write(to);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<[T; N], DecodeError> {
        let mut array = [T::default(); N];
        for value in &mut array {
            *value = T::read(from)?;
        }
        Ok(array)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    const SCHEMA: u64 = schema_of("pair", &[A::SCHEMA, B::SCHEMA]);
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
        self.1.write(to);
    }
    fn read(from: &mut Reader<'_>) -> Result<(A, B), DecodeError> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

/// Defines structs and enums that travel: [`Wire`] field by field, and a schema hash over their shape.
///
/// Enums may have variants without fields and variants with named fields.
///
/// ```
/// bellhop_wire::wire! {
///     /// Where a stone goes.
///     #[derive(Debug, Clone, PartialEq)]
///     pub enum Move {
///         /// Gives up.
///         Resign,
///         /// Onto this cell.
///         Place {
///             /// Counted from the upper left.
///             cell: u8,
///         },
///     }
/// }
/// ```
#[macro_export]
macro_rules! wire {
    () => {};
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $( $(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty ),* $(,)? }
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        $vis struct $name { $( $(#[$field_meta])* $field_vis $field: $type ),* }

        impl $crate::Wire for $name {
            const SCHEMA: u64 = $crate::schema_of(
                stringify!($name),
                &[$( $crate::schema_of(stringify!($field), &[<$type as $crate::Wire>::SCHEMA]) ),*],
            );
            #[allow(unused_variables)]
            fn write(&self, to: &mut $crate::Writer) {
                $( $crate::Wire::write(&self.$field, to); )*
            }
            #[allow(unused_variables)]
            fn read(from: &mut $crate::Reader<'_>) -> ::core::result::Result<Self, $crate::DecodeError> {
                ::core::result::Result::Ok($name { $( $field: $crate::Wire::read(from)? ),* })
            }
        }
        $crate::wire! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident $({
                $( $(#[$field_meta:meta])* $field:ident : $type:ty ),* $(,)?
            })? ),* $(,)?
        }
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        $vis enum $name { $( $(#[$variant_meta])* $variant $({ $( $(#[$field_meta])* $field: $type ),* })? ),* }

        impl $crate::Wire for $name {
            const SCHEMA: u64 = $crate::schema_of(
                stringify!($name),
                &[$( $crate::schema_of(
                    stringify!($variant),
                    &[$($( $crate::schema_of(stringify!($field), &[<$type as $crate::Wire>::SCHEMA]) ),*)?],
                ) ),*],
            );
            fn write(&self, to: &mut $crate::Writer) {
                const NAMES: &[&str] = &[$( stringify!($variant) ),*];
                let mut _index = 0u32;
                $(
                    if let $name::$variant $({ $( $field ),* })? = self {
                        to.below(_index, NAMES.len() as u32);
                        $($( $crate::Wire::write($field, to); )*)?
                    }
                    _index += 1;
                )*
            }
            fn read(from: &mut $crate::Reader<'_>) -> ::core::result::Result<Self, $crate::DecodeError> {
                const NAMES: &[&str] = &[$( stringify!($variant) ),*];
                let _wanted = from.below(NAMES.len() as u32)?;
                let mut _index = 0u32;
                $(
                    if _index == _wanted {
                        return ::core::result::Result::Ok(
                            $name::$variant $({ $( $field: $crate::Wire::read(from)? ),* })?
                        );
                    }
                    _index += 1;
                )*
                ::core::result::Result::Err($crate::DecodeError::Range)
            }
        }
        $crate::wire! { $($rest)* }
    };
}
