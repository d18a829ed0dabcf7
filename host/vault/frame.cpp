// Frames: one blob each, readable without the rest of the pack but its key.
#include "vault/pack.h"

#include "base/bytes.h"
#include "vault/compress.h"
#include "vault/frame.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::string_view magic = "RSPB";

Result<Frame> parse(std::string_view bytes) {
    ByteReader reader(bytes);
    Frame frame;
    const bool ours = TRY(reader.raw(4)) == magic;
    frame.kind = TRY(reader.u8());
    frame.coding = TRY(reader.u8());
    const auto reserved = TRY(reader.u16());
    frame.ordinal = TRY(reader.u32());
    frame.plain_size = TRY(reader.u32());
    frame.sealed_size = TRY(reader.u32());
    frame.id = id_from<ChunkId>(TRY(reader.raw(16)));
    if (!ours || reserved != 0 || frame.kind < 1 || frame.kind > 4 || frame.coding > 1 ||
        frame.plain_size > max_blob || frame.sealed_size < crypto::tag_size ||
        frame.sealed_size > frame.plain_size + crypto::tag_size)
        return damaged("no blob begins where one should");
    return frame;
}

std::string encode_header(const Frame& frame) {
    return ByteWriter()
        .raw(magic)
        .u8(frame.kind)
        .u8(frame.coding)
        .u16(0)
        .u32(frame.ordinal)
        .u32(frame.plain_size)
        .u32(frame.sealed_size)
        .raw(view(frame.id))
        .take();
}

std::string associated(const PackOpener& opener, std::string_view header) {
    return opener.vault + std::string(view(opener.id)) + std::string(header);
}

} // namespace

std::string counter_nonce(std::uint32_t domain, std::uint64_t ordinal) {
    return ByteWriter().u32(domain).u64(ordinal).take();
}

void append_frame(const PackOpener& opener, Frame frame, std::string_view coded, std::string& to) {
    frame.sealed_size = static_cast<std::uint32_t>(coded.size() + crypto::tag_size);
    const auto header = encode_header(frame);
    to += header;
    to += crypto::seal(opener.key, counter_nonce(blob_domain, frame.ordinal),
                       associated(opener, header), coded);
}

Result<std::size_t> frame_length(std::string_view bytes) {
    const auto frame = TRY(parse(bytes));
    if (frame.sealed_size > bytes.size() - frame_header)
        return damaged("a blob is cut short");
    return frame_header + frame.sealed_size;
}

namespace {

std::uint32_t flags_of(const Frame& frame) {
    return static_cast<std::uint32_t>(frame.kind | frame.coding << 8);
}

Result<std::string> unseal(const PackOpener& opener, const Frame& frame, std::string_view bytes) {
    if (bytes.size() != frame_header + frame.sealed_size)
        return damaged("a blob is cut short");
    return crypto::open(opener.key, counter_nonce(blob_domain, frame.ordinal),
                        associated(opener, bytes.substr(0, frame_header)), bytes.substr(frame_header));
}

Result<void> must_match(const Frame& frame, const Identifier& identify, std::string_view plain) {
    const auto kind = static_cast<BlobKind>(frame.kind);
    if (plain.size() != frame.plain_size || identify(kind, plain) != frame.id)
        return damaged(fmt::format("blob {} does not hold what its id says", to_hex(frame.id)));
    return {};
}

} // namespace

Result<OpenBlob> open_frame(const PackOpener& opener, const Identifier& identify,
                            std::string_view bytes) {
    const auto frame = TRY(parse(bytes));
    auto body = TRY(unseal(opener, frame, bytes));
    OpenBlob blob{ .id = frame.id,
                   .kind = static_cast<BlobKind>(frame.kind),
                   .ordinal = frame.ordinal,
                   .flags = flags_of(frame),
                   .plain = {} };
    blob.plain = frame.coding ? TRY(decompress(body, frame.plain_size)) : std::move(body);
    TRY(must_match(frame, identify, blob.plain));
    return blob;
}

Result<CodedBlob> open_coded(const PackOpener& opener, const Identifier& identify,
                             std::string_view bytes) {
    const auto frame = TRY(parse(bytes));
    CodedBlob blob{ .id = frame.id,
                    .kind = static_cast<BlobKind>(frame.kind),
                    .flags = flags_of(frame),
                    .plain_size = frame.plain_size,
                    .compressed = frame.coding != 0,
                    .coded = {} };
    blob.coded = TRY(unseal(opener, frame, bytes));
    TRY(must_match(frame, identify,
                   blob.compressed ? TRY(decompress(blob.coded, frame.plain_size)) : blob.coded));
    return blob;
}

} // namespace respawn::vault
