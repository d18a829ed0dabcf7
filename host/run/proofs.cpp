#include "run/proofs.h"

#include "base/bytes.h"

#include <unistd.h>

namespace respawn::run {

namespace {

constexpr std::size_t largest = 64 << 10;

io::Path file_of(const config::Config& config, const std::string& url) {
    return config.state / "proofs" / to_hex(crypto::sha256(url)).substr(0, 16);
}

std::optional<Proof> decode_proof(const Value& value) {
    if (value.map() == nullptr)
        return std::nullopt;
    const auto* share = value.at("share").real();
    return Proof{ .at = { value.integer_at("at") },
                  .host = value.text_at("host"),
                  .damaged = static_cast<std::uint64_t>(value.integer_at("damaged")),
                  .share = share ? *share : 1 };
}

Value encode_proof(const std::optional<Proof>& proof) {
    if (!proof)
        return {};
    return Value::Map{ { "at", proof->at.microseconds },
                       { "host", proof->host },
                       { "damaged", static_cast<std::int64_t>(proof->damaged) },
                       { "share", proof->share } };
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

} // namespace

Proofs read_proofs(const config::Config& config, const std::string& url) {
    const auto bytes = io::read_file(file_of(config, url), largest);
    const auto value = bytes.ok() ? decode(bytes.value()) : bytes.error();
    if (!value.ok())
        return {};
    return { decode_proof(value.value().at("structure")), decode_proof(value.value().at("data")) };
}

// Who has read all data has looked at the structure, too.
Result<void> note_proof(const config::Config& config, const std::string& url, vault::CheckDepth depth,
                        const Proof& proof) {
    auto proofs = read_proofs(config, url);
    proofs.structure = proof;
    if (proofs.structure->host.empty())
        proofs.structure->host = host_name();
    if (depth == vault::CheckDepth::read_data)
        proofs.data = proofs.structure;
    const auto file = file_of(config, url);
    TRY(io::make_folder(file.parent_path()));
    return io::replace_durably(file, encode(Value::Map{ { "structure", encode_proof(proofs.structure) },
                                                        { "data", encode_proof(proofs.data) } }));
}

} // namespace respawn::run
