//! Hostile mail: the header fields and the lines of any message are those that a naive reader finds.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use pop3_fuzz::naive_message::{Item, bare, parts, whole_lines};
use pop3_proto::message::{Field, Header, Message, MessageRef};

fuzz_target!(|octets: &[u8]| {
    let owned = Message::from(octets.to_vec());
    let message = owned.view();
    let expected = parts(octets);

    // Every octet is in one of the parts, and no octet is in two.
    assert_eq!(message.header_bytes(), expected.header);
    assert_eq!(message.body(), expected.body);
    assert_eq!([&expected.header[..], &expected.blank, &expected.body].concat(), octets);
    let items: Vec<Header<'_>> = message.headers().collect();
    assert_eq!(items.iter().map(|item| item.as_bytes()).collect::<Vec<_>>().concat(), expected.header);
    assert!(items.iter().copied().map(item).eq(expected.items), "{items:?}");

    assert!(message.lines().eq(whole_lines(octets).into_iter().map(bare)));
    assert!(MessageRef::new(message.body()).lines().eq(whole_lines(&expected.body).into_iter().map(bare)));
    // TOP with no lines returns the header section, which has the same fields.
    assert!(MessageRef::new(message.header_bytes()).headers().eq(message.headers()));

    for field in message.fields() {
        let name = String::from_utf8(field.name().to_ascii_uppercase()).expect("names are ASCII");
        let same = |other: &Field<'_>| other.name().to_ascii_uppercase() == name.as_bytes();
        assert_eq!(message.get(&name), message.fields().find(same));
        assert!(message.fields().filter(|field| field.is(&name)).eq(message.fields().filter(same)));
        // `Debug` shows the name and the size, and no content.
        let shown = format!("Field({}, {} octets)", field.name().escape_ascii(), field.as_bytes().len());
        assert_eq!(format!("{field:?}"), shown);
    }
    assert_eq!(message.get("").map(Field::name), None);
    let shown = format!("{owned:?} {message:?}");
    assert_eq!(shown, format!("Message({len} octets) MessageRef({len} octets)", len = octets.len()));
    assert_eq!((message.as_bytes(), owned.as_bytes()), (octets, octets));
    assert_eq!(owned.into_bytes(), octets);
});

fn item(header: Header<'_>) -> Item {
    let field = match header {
        Header::Field(field) => field,
        Header::Stray(line) => {
            assert_eq!(format!("{header:?}"), format!("Stray({} octets)", line.len()));
            return Item::Stray(line.to_vec());
        }
    };
    let pieces: Vec<&[u8]> = field.unfolded().collect();
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    let body = field.body();
    assert_eq!(matches!(body, Cow::Borrowed(_)), pieces.len() < 2, "only a folded field is copied");
    assert_eq!(*body, pieces.concat());
    Item::Field {
        octets: field.as_bytes().to_vec(),
        name: field.name().to_vec(),
        raw: field.raw_body().to_vec(),
        unfolded: body.into_owned(),
    }
}
