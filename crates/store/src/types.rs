//! How typed values of `core` stand in columns: ids, names and enums as TEXT, moments as BIGINT.

use comptroller_core::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};
use std::fmt::Display;
use std::str::FromStr;

/// A value whose text form stands in a TEXT column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<T>(pub T);

/// A moment in a BIGINT column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub Timestamp);

macro_rules! both {
    ($db:ty) => {
        impl<T> Type<$db> for Text<T> {
            fn type_info() -> <$db as sqlx::Database>::TypeInfo {
                <String as Type<$db>>::type_info()
            }
            fn compatible(ty: &<$db as sqlx::Database>::TypeInfo) -> bool {
                <String as Type<$db>>::compatible(ty)
            }
        }
        impl<'q, T: Display> Encode<'q, $db> for Text<T> {
            fn encode_by_ref(
                &self,
                buf: &mut <$db as sqlx::Database>::ArgumentBuffer,
            ) -> Result<IsNull, BoxDynError> {
                <String as Encode<'q, $db>>::encode(self.0.to_string(), buf)
            }
        }
        impl<'r, T: FromStr<Err: std::error::Error + Send + Sync + 'static>> Decode<'r, $db> for Text<T> {
            fn decode(value: <$db as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(Self(<&str as Decode<'r, $db>>::decode(value)?.parse()?))
            }
        }
        impl Type<$db> for Micros {
            fn type_info() -> <$db as sqlx::Database>::TypeInfo {
                <i64 as Type<$db>>::type_info()
            }
            fn compatible(ty: &<$db as sqlx::Database>::TypeInfo) -> bool {
                <i64 as Type<$db>>::compatible(ty)
            }
        }
        impl<'q> Encode<'q, $db> for Micros {
            fn encode_by_ref(
                &self,
                buf: &mut <$db as sqlx::Database>::ArgumentBuffer,
            ) -> Result<IsNull, BoxDynError> {
                <i64 as Encode<'q, $db>>::encode(self.0.micros(), buf)
            }
        }
        impl<'r> Decode<'r, $db> for Micros {
            fn decode(value: <$db as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(Self(Timestamp::from_micros(<i64 as Decode<'r, $db>>::decode(value)?)))
            }
        }
    };
}

both!(Sqlite);
both!(Postgres);
