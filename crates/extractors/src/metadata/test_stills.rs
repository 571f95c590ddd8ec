//! Small stills with XMP, films, items and RAW, made byte by byte.

use super::test_files::*;

/// A packet with these elements in it.
pub(super) fn xmp(elements: &str) -> String {
    format!(
        "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?>\n<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>{elements}</rdf:RDF></x:xmpmeta>\n\
         <?xpacket end='w'?>"
    )
}

/// Elements with every fact that is read, in the forms in which programs write them.
pub(super) const FULL_XMP: &str = "<rdf:Description rdf:about='' xmlns:xap='http://ns.adobe.com/xap/1.0/' \
    xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:lr='http://ns.adobe.com/lightroom/1.0/' \
    xmlns:exif='http://ns.adobe.com/exif/1.0/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' \
    xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' xap:Rating='4' xap:Label='Red' tiff:Make='Acme' \
    photoshop:SidecarForExtension='DNG' exif:GPSLatitude='33,51.408S' exif:GPSLongitude='151,12,55.08E' \
    exif:GPSAltitude='25/10' exif:GPSAltitudeRef='1' exif:FNumber='28/10'>\
    <dc:title><rdf:Alt><rdf:li xml:lang='de-AT'>Oper</rdf:li><rdf:li xml:lang='x-default'>Opera</rdf:li></rdf:Alt></dc:title>\
    <dc:description><rdf:Alt><rdf:li xml:lang='x-default'>From &lt;the&gt; ferry &amp; back</rdf:li></rdf:Alt></dc:description>\
    <dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Ben</rdf:li></rdf:Seq></dc:creator>\
    <dc:rights>Ann</dc:rights>\
    <dc:subject><rdf:Bag><rdf:li>harbour</rdf:li><rdf:li><![CDATA[sea]]></rdf:li><rdf:li>harbour</rdf:li></rdf:Bag></dc:subject>\
    <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Australia|Sydney</rdf:li></rdf:Bag></lr:hierarchicalSubject>\
    <exif:ISOSpeedRatings><rdf:Seq><rdf:li>0</rdf:li><rdf:li>400</rdf:li></rdf:Seq></exif:ISOSpeedRatings>\
    <exif:DateTimeOriginal>2019-05-04T13:22:01.5+02:00</exif:DateTimeOriginal></rdf:Description>";

/// Elements that say that a film of so many bytes ends the file, with so many bytes of another part before it.
pub(super) fn directory_xmp(film: usize, gain_map: usize) -> String {
    format!(
        "<rdf:Description xmlns:GCamera='http://ns.google.com/photos/1.0/camera/' \
         xmlns:C='http://ns.google.com/photos/1.0/container/' xmlns:Item='http://ns.google.com/photos/1.0/container/item/' \
         GCamera:MotionPhoto='1' GCamera:MotionPhotoPresentationTimestampUs='500000'><C:Directory><rdf:Seq>\
         <rdf:li rdf:parseType='Resource'><C:Item Item:Mime='image/jpeg' Item:Semantic='Primary' Item:Padding='0'/></rdf:li>\
         <rdf:li rdf:parseType='Resource'><C:Item Item:Mime='image/jpeg' Item:Semantic='GainMap' Item:Length='{gain_map}'/></rdf:li>\
         <rdf:li rdf:parseType='Resource'><C:Item Item:Mime='video/mp4' Item:Semantic='MotionPhoto' Item:Length='{film}'/></rdf:li>\
         </rdf:Seq></C:Directory></rdf:Description>"
    )
}

/// Puts a packet behind the start of a JPEG.
pub(super) fn jpeg_with(packet: &str, jpeg: &[u8]) -> Vec<u8> {
    let mut bytes = jpeg[..2].to_vec();
    segment(&mut bytes, 0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat());
    bytes.extend(&jpeg[2..]);
    bytes
}

/// A JPEG with all of XMP that is read.
pub(super) fn with_xmp(jpeg: &[u8]) -> Vec<u8> {
    jpeg_with(&xmp(FULL_XMP), jpeg)
}

/// A small film.
pub(super) fn film() -> Vec<u8> {
    movie(b"isom", &[mvhd(CREATED, 2002), audio_trak()])
}

/// A JPEG with a film behind it, as phones of Google write it.
pub(super) fn motion_jpeg() -> Vec<u8> {
    let film = film();
    [jpeg_with(&xmp(&directory_xmp(film.len(), 7)), &jpeg(None, 40, 30)), vec![1; 7], film].concat()
}

/// A JPEG with a film in the trailer of Samsung.
pub(super) fn samsung_jpeg() -> Vec<u8> {
    let block = |number: [u8; 2], name: &[u8], content: &[u8]| {
        [&[0, 0], &number[..], &(name.len() as u32).to_le_bytes(), name, content].concat()
    };
    let blocks = [
        ([1, 0x0A], block([1, 0x0A], b"Image_UTC_Data", b"1556968921000")),
        ([0x30, 0x0A], block([0x30, 0x0A], b"MotionPhoto_Data", &film())),
    ];
    let mut directory = [&b"SEFH"[..], &106u32.to_le_bytes(), &2u32.to_le_bytes()].concat();
    let mut back: usize = blocks.iter().map(|(_, block)| block.len()).sum();
    for (number, block) in &blocks {
        directory
            .extend([&[0, 0], &number[..], &(back as u32).to_le_bytes(), &(block.len() as u32).to_le_bytes()].concat());
        back -= block.len();
    }
    let end = [&(directory.len() as u32).to_le_bytes()[..], b"SEFT"].concat();
    let blocks = blocks.map(|(_, block)| block).concat();
    [jpeg(None, 40, 30), blocks, directory, end].concat()
}

/// How a HEIF file is made.
#[derive(Debug, Clone)]
pub(super) struct Heic {
    /// Boxes of properties that apply to the primary picture, in this order.
    pub(super) properties: Vec<Vec<u8>>,
    pub(super) exif: Vec<u8>,
    pub(super) xmp: Vec<u8>,
    /// Whether the bytes of items lie inside the box of items instead of behind it.
    pub(super) inside: bool,
    /// Boxes that replace those of places and properties.
    pub(super) tables: Vec<Vec<u8>>,
    pub(super) film: Option<Vec<u8>>,
}

impl Heic {
    /// A picture of 40 x 30 that is turned, with EXIF data and XMP.
    pub(super) fn full() -> Self {
        Self {
            properties: vec![ispe(40, 30), hvcc(), mp4_box(b"irot", &[3])],
            exif: full_exif(Order::Big),
            xmp: xmp(FULL_XMP).into_bytes(),
            inside: false,
            tables: Vec::new(),
            film: None,
        }
    }
}

/// The size of a picture.
pub(super) fn ispe(width: u32, height: u32) -> Vec<u8> {
    mp4_box(b"ispe", &words(&[0, width, height]))
}

/// The configuration of HEVC: 4:2:0 with 10 bits.
fn hvcc() -> Vec<u8> {
    let mut bytes = vec![0; 23];
    (bytes[16], bytes[17]) = (0xFC | 1, 0xF8 | 2);
    mp4_box(b"hvcC", &bytes)
}

/// A HEIF file: picture 1, EXIF data 2 and XMP 3 about it, and 4 a picture that it does not show.
pub(super) fn heic(file: &Heic) -> Vec<u8> {
    let ftyp = mp4_box(b"ftyp", b"mif1\0\0\0\0mif1heic");
    let exif = [&[0, 0, 0, 6][..], b"Exif\0\0", &file.exif].concat();
    let entry = |id: u8, kind: &[u8; 4], rest: &[u8]| {
        mp4_box(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0][..], kind, &[0], rest].concat())
    };
    let entries = [
        entry(4, b"hvc1", b""),
        entry(1, b"hvc1", b""),
        entry(2, b"Exif", b""),
        entry(3, b"mime", b"application/rdf+xml\0"),
    ];
    let iinf = mp4_box(b"iinf", &[vec![0, 0, 0, 0, 0, entries.len() as u8], entries.concat()].concat());
    let describes = |id: u8| mp4_box(b"cdsc", &[0, id, 0, 1, 0, 1]);
    let iref = mp4_box(b"iref", &[vec![0; 4], describes(2), describes(3)].concat());
    let own = (1..=file.properties.len() as u8).map(|index| 0x80 | index).collect::<Vec<_>>();
    let ipma = [&[0, 0, 0, 0, 0, 0, 0, 2][..], &[0, 4, 1, file.properties.len() as u8 + 1]].concat();
    let ipma = mp4_box(b"ipma", &[ipma, vec![0, 1, own.len() as u8], own].concat());
    let boxes = [&file.properties[..], &[ispe(8, 8)]].concat();
    let iprp = mp4_boxes(b"iprp", &[mp4_boxes(b"ipco", &boxes), ipma]);
    let data = [&exif[..], &file.xmp].concat();
    let make = |start: u32| {
        let method: u16 = file.inside.into();
        let place = |id: u16, at: u32, bytes: u32| {
            [&id.to_be_bytes()[..], &method.to_be_bytes(), &[0, 0, 0, 1], &words(&[at, bytes])].concat()
        };
        let places = [place(2, start, exif.len() as u32), place(3, start + exif.len() as u32, file.xmp.len() as u32)];
        let iloc = mp4_box(b"iloc", &[&[1, 0, 0, 0, 0x44, 0, 0, 2][..], &places.concat()].concat());
        let tables = if file.tables.is_empty() { vec![iloc, iprp.clone()] } else { file.tables.clone() };
        let mut inner = vec![vec![0; 4], mp4_box(b"hdlr", &[&[0; 8][..], b"pict", &[0; 13]].concat())];
        inner.extend([mp4_box(b"pitm", &[0, 0, 0, 0, 0, 1]), iinf.clone(), iref.clone()]);
        inner.extend(tables);
        if file.inside {
            inner.push(mp4_box(b"idat", &data));
        }
        mp4_boxes(b"meta", &inner)
    };
    let start = if file.inside { 0 } else { ftyp.len() + make(0).len() + 8 };
    let mut bytes = [ftyp, make(start as u32)].concat();
    if !file.inside {
        bytes.extend(mp4_box(b"mdat", &data));
    }
    bytes.extend(file.film.iter().flat_map(|film| mp4_box(b"mpvd", film)));
    bytes
}

/// A Canon CR3: its EXIF parts, and a track of 640 x 360 pictures.
pub(super) fn cr3() -> Vec<u8> {
    let [mut main, exif, gps] = full_exif_directories();
    main.retain(|(tag, _)| !matches!(tag, 0x8769 | 0x8825));
    let part = |kind: &[u8; 4], directory: Vec<(u16, Entry)>| mp4_box(kind, &tiff(Order::Little, &[directory]));
    let canon = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48".to_vec();
    let parts = [canon, part(b"CMT1", main), part(b"CMT2", exif), part(b"CMT4", gps)].concat();
    let packet = [&super::bmff_text::XMP_UUID[..], xmp(FULL_XMP).as_bytes()].concat();
    [
        mp4_box(b"ftyp", b"crx \0\0\0\x01crx isom"),
        mp4_boxes(b"moov", &[mp4_box(b"uuid", &parts), video_trak(&VideoTrack::default())]),
        mp4_box(b"uuid", &packet),
    ]
    .concat()
}

/// A Fujifilm RAF: a JPEG with EXIF data, and a table of a sensor of 4936 x 3296.
pub(super) fn raf() -> Vec<u8> {
    let preview = jpeg(Some(&full_exif(Order::Little)), 40, 30);
    let entry =
        |tag: u16, content: &[u8]| [&tag.to_be_bytes()[..], &(content.len() as u16).to_be_bytes(), content].concat();
    let sides = [3296u16.to_be_bytes(), 4936u16.to_be_bytes()].concat();
    let table = [words(&[2]), entry(0x0130, &[1, 2, 3]), entry(0x0100, &sides)].concat();
    let mut bytes = b"FUJIFILMCCD-RAW 0201FF129502".to_vec();
    bytes.resize(84, 0);
    bytes.extend(words(&[100, preview.len() as u32, 100 + preview.len() as u32, table.len() as u32]));
    [bytes, preview, table].concat()
}
