#include "vault/pack.h"

#include "base/bytes.h"
#include "vault/frame.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::string_view pack_magic = "RSPK", end_magic = "RSPE";
constexpr std::uint8_t wrapped_by_epoch = 1;
constexpr std::size_t header_fixed = 46; // up to the wrapped key
constexpr std::size_t header_size =
    header_fixed + crypto::nonce_size + crypto::Key::size + crypto::tag_size;
constexpr std::size_t trailer_size = 12 + header_size + 6;

struct Trailer {
    std::uint32_t count = 0, offset = 0, size = 0;
    std::string_view header;
};

std::string encode_header(const Keyring& keyring, const PackOpener& opener) {
    ByteWriter writer;
    writer.raw(pack_magic).u8(format_version).u8(wrapped_by_epoch).u16(header_size);
    writer.raw(keyring.vault).raw(view(opener.id)).u32(keyring.newest());
    writer.u16(header_size - header_fixed);
    const auto wrapping = keyring.epoch_key(keyring.newest(), "pack").value();
    const auto wrapped = crypto::seal_box(wrapping, writer.bytes(), opener.key.bytes());
    return writer.raw(wrapped).take();
}

std::string directory_associated(const PackOpener& opener, const Trailer& trailer) {
    return ByteWriter()
        .raw(opener.vault)
        .raw(view(opener.id))
        .raw("directory")
        .u32(trailer.count)
        .u32(trailer.offset)
        .u32(trailer.size)
        .take();
}

Result<Trailer> parse_trailer(std::string_view last) {
    if (last.size() < trailer_size || last.substr(last.size() - 4) != end_magic)
        return damaged("the trailer is cut short or damaged");
    ByteReader reader(last.substr(last.size() - trailer_size));
    Trailer trailer;
    trailer.count = TRY(reader.u32());
    trailer.offset = TRY(reader.u32());
    trailer.size = TRY(reader.u32());
    trailer.header = TRY(reader.raw(header_size));
    if (TRY(reader.u16()) != header_size)
        return damaged("the trailer is damaged");
    return trailer;
}

Result<std::vector<PackEntry>> open_directory(const PackOpener& opener, std::string_view bytes) {
    const auto trailer = TRY(parse_trailer(bytes));
    const auto end = bytes.size() - trailer_size;
    if (trailer.offset > end || trailer.size != end - trailer.offset ||
        trailer.size != trailer.count * entry_size + crypto::tag_size)
        return damaged("the trailer is damaged");
    const auto plain = TRY(crypto::open(opener.key, counter_nonce(directory_domain, 0),
                                        directory_associated(opener, trailer),
                                        bytes.substr(trailer.offset, trailer.size)));
    return decode_entries(plain, trailer.offset);
}

Result<PackOpener> open_either_end(const Keyring& keyring, const PackId& id, std::string_view bytes,
                                   std::vector<std::string>& faults) {
    auto header = open_header(keyring, id, bytes);
    auto trailer = open_trailer(keyring, id, bytes);
    if (!header.ok())
        faults.push_back("header: " + header.error().why);
    if (!trailer.ok())
        faults.push_back("trailer: " + trailer.error().why);
    return header.ok() ? std::move(header) : std::move(trailer);
}

// Every frame that opens, wherever it lies; what does not is passed over up to the next beginning.
void scan_frames(const PackOpener& opener, const Identifier& identify, std::string_view bytes,
                 PackContents& into) {
    std::size_t at = std::min(header_size, bytes.size());
    while (at + frame_header <= bytes.size()) {
        const auto length = frame_length(bytes.substr(at));
        const auto blob = length.ok() ? open_frame(opener, identify, bytes.substr(at, length.value()))
                                      : Result<OpenBlob>(length.error());
        if (blob.ok()) {
            into.record.entries.push_back({ blob.value().id, static_cast<std::uint32_t>(at),
                                            static_cast<std::uint32_t>(length.value()),
                                            blob.value().flags });
            into.sound.push_back(true);
            at += length.value();
            continue;
        }
        at = std::min(bytes.find("RSPB", at + 1), bytes.size());
    }
}

// The frames that the directory names: they must follow each other from the header to the directory.
void open_frames(const PackOpener& opener, const Identifier& identify, std::string_view bytes,
                 PackContents& into) {
    std::size_t at = header_size, ordinal = 0;
    for (const auto& entry : into.record.entries) {
        const auto blob = open_frame(opener, identify, bytes.substr(entry.offset, entry.length));
        const bool in_place = entry.offset == at;
        at = entry.offset + entry.length;
        const auto number = ordinal++;
        into.sound.push_back(blob.ok() && in_place && blob.value().id == entry.id &&
                             blob.value().ordinal == number && blob.value().flags == entry.flags);
        if (!into.sound.back())
            into.faults.push_back(
                fmt::format("blob {}: {}", to_hex(entry.id),
                            blob.ok() ? "not where the directory says" : blob.error().why));
    }
}

} // namespace

std::uint64_t PackContents::sound_blobs() const {
    return static_cast<std::uint64_t>(std::ranges::count(sound, true));
}

std::unordered_set<ChunkId, IdHash> PackContents::sound_ids() const {
    std::unordered_set<ChunkId, IdHash> ids;
    for (std::size_t i = 0; i < sound.size(); ++i)
        if (sound[i])
            ids.insert(record.entries[i].id);
    return ids;
}

std::string encode_entries(const std::vector<PackEntry>& entries) {
    ByteWriter writer;
    for (const auto& entry : entries)
        writer.raw(view(entry.id)).u32(entry.offset).u32(entry.length).u32(entry.flags);
    return writer.take();
}

Result<std::vector<PackEntry>> decode_entries(std::string_view bytes, std::uint64_t pack_size) {
    ByteReader reader(bytes);
    std::vector<PackEntry> entries;
    entries.reserve(bytes.size() / entry_size);
    while (!reader.at_end()) {
        PackEntry entry;
        entry.id = id_from<ChunkId>(TRY(reader.raw(16)));
        entry.offset = TRY(reader.u32());
        entry.length = TRY(reader.u32());
        entry.flags = TRY(reader.u32());
        const auto kind = entry.flags & 0xff;
        if (kind < 1 || kind > 4 || entry.flags > 0x1ff || entry.length < frame_header ||
            entry.offset > pack_size || entry.length > pack_size - entry.offset)
            return damaged("a directory names a blob that cannot be");
        entries.push_back(entry);
    }
    return entries;
}

Result<PackOpener> open_header(const Keyring& keyring, const PackId& id, std::string_view first) {
    ByteReader reader(first);
    if (TRY(reader.raw(4)) != pack_magic)
        return damaged("it does not begin like a pack");
    const auto version = TRY(reader.u8());
    const auto wrapping = TRY(reader.u8());
    const auto size = TRY(reader.u16());
    if (version != format_version || wrapping != wrapped_by_epoch || size != header_size)
        return damaged("it has a header that this version does not know");
    if (TRY(reader.raw(16)) != keyring.vault || TRY(reader.raw(16)) != view(id))
        return damaged("it is a pack of another name or vault");
    const auto epoch = TRY(reader.u32());
    const auto wrapped_size = TRY(reader.u16());
    const auto key = TRY(keyring.epoch_key(epoch, "pack"));
    const auto plain =
        TRY(crypto::open_box(key, first.substr(0, header_fixed), TRY(reader.raw(wrapped_size))));
    return PackOpener{ keyring.vault, id, TRY(crypto::Key::from_bytes(plain)) };
}

Result<PackOpener> open_trailer(const Keyring& keyring, const PackId& id, std::string_view last) {
    return open_header(keyring, id, TRY(parse_trailer(last)).header);
}

PackBuilder::PackBuilder(const Keyring& keyring)
    : opener_{ keyring.vault, id_from<PackId>(crypto::random_bytes(16)), crypto::Key::random() },
      header_(encode_header(keyring, opener_)) {
    bytes_.reserve(pack_target + (2 << 20)); // growing would double it
    bytes_ = header_;
}

void PackBuilder::add(BlobKind kind, const ChunkId& id, std::size_t plain_size, std::string_view coded,
                      bool compressed) {
    const auto offset = bytes_.size();
    const Frame frame{ .kind = static_cast<std::uint8_t>(kind),
                       .coding = static_cast<std::uint8_t>(compressed ? 1 : 0),
                       .ordinal = static_cast<std::uint32_t>(entries_.size()),
                       .plain_size = static_cast<std::uint32_t>(plain_size),
                       .id = id };
    append_frame(opener_, frame, coded, bytes_);
    entries_.push_back({ id, static_cast<std::uint32_t>(offset),
                         static_cast<std::uint32_t>(bytes_.size() - offset),
                         static_cast<std::uint32_t>(frame.kind | frame.coding << 8) });
}

PackBuilder::Finished PackBuilder::finish() {
    Trailer trailer{ .count = static_cast<std::uint32_t>(entries_.size()),
                     .offset = static_cast<std::uint32_t>(bytes_.size()),
                     .size =
                         static_cast<std::uint32_t>(entries_.size() * entry_size + crypto::tag_size),
                     .header = header_ };
    bytes_ += crypto::seal(opener_.key, counter_nonce(directory_domain, 0),
                           directory_associated(opener_, trailer), encode_entries(entries_));
    ByteWriter end;
    end.u32(trailer.count).u32(trailer.offset).u32(trailer.size).raw(header_);
    bytes_ += end.u16(header_size).raw(end_magic).bytes();
    return { { opener_.id, crypto::sha256(bytes_), bytes_.size(), std::move(entries_) },
             std::move(bytes_) };
}

Result<PackContents> read_pack(const Keyring& keyring, const Identifier& identify, const PackId& id,
                               std::string_view bytes) {
    PackContents contents;
    contents.record = { id, {}, bytes.size(), {} };
    const auto opener = TRY(open_either_end(keyring, id, bytes, contents.faults));
    auto directory = open_directory(opener, bytes);
    if (directory.ok()) {
        contents.record.entries = std::move(directory).value();
        open_frames(opener, identify, bytes, contents);
        return contents;
    }
    contents.faults.push_back("directory: " + directory.error().why);
    contents.from_directory = false;
    scan_frames(opener, identify, bytes, contents);
    return contents;
}

Result<void> prove_pack(const Keyring& keyring, const Identifier& identify,
                        const PackBuilder::Finished& pack) {
    const auto contents = read_pack(keyring, identify, pack.record.id, pack.bytes);
    if (contents.ok() && contents.value().faults.empty() &&
        contents.value().record.entries == pack.record.entries)
        return {};
    return Error{ .kind = Kind::internal,
                  .why = "a pack read back just after it was made is not what was put in",
                  .fix = "test this machine's memory; nothing of this pack was stored" };
}

} // namespace respawn::vault
