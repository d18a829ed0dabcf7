// Page images: a database file stored block by block, each block a base and the pages that changed
// since. A page that changed costs its own compressed bytes, however many blocks are touched; pages of
// many blocks share a blob and are addressed singly. No image needs another: the lists of each name
// all.
#pragma once

#include "vault/page_digests.h"
#include "vault/vault.h"

namespace respawn::vault {

// Bytes of a block, and of a blob that gathers changed pages.
inline constexpr std::size_t image_block = 512 << 10;
// A block of which more than this share changed since its base is stored whole: a new base.
inline constexpr std::size_t rebase_divisor = 4;

class ImageWriter {
  public:
    // `digests` is a local file that keeps what each page of the image before was; it is made anew
    // here. `before` is that image, empty when there is none or it is not known. Lost digests are
    // computed from the image itself.
    static Result<ImageWriter> begin(Writer& into, std::uint32_t page_size, const Content& before,
                                     const io::Path& digests);
    ImageWriter(ImageWriter&&) noexcept;
    ~ImageWriter();

    // Whole pages, in order.
    Result<void> add(std::string_view pages);
    // The same for pages whose digests (PageHasher) are known: one block, or what is left at the end.
    Result<void> add_block(std::string_view block, std::string_view digests);
    // The digests file is left as it was until this has been called.
    Result<Content> finish();

  private:
    struct State;
    explicit ImageWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace respawn::vault
