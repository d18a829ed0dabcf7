#include "vault/blocks.h"

#include "vault/writer_state.h"

namespace respawn::vault {

BlockWriter::BlockWriter(Writer& into)
    : writer_(&into.state()), lists_([writer = &into.state()](std::string_view list) {
          return writer->put(BlobKind::list, list);
      }) {}

Result<void> BlockWriter::add(std::string_view block) {
    writer_->count_read(block.size());
    while (!block.empty()) {
        const auto chunk = block.substr(0, longest_chunk);
        TRY(lists_.add({ TRY(writer_->put(BlobKind::data, chunk)), chunk.size() }));
        size_ += chunk.size();
        block.remove_prefix(chunk.size());
    }
    return {};
}

Result<Content> BlockWriter::finish() {
    const auto root = TRY(lists_.finish());
    return Content{ size_, root.depth, root.id };
}

void count_unchanged(Writer& writer, std::uint64_t bytes) { writer.state().count_read(bytes, true); }

} // namespace respawn::vault
