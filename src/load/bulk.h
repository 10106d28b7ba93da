// load/bulk.h: a stream one way on every connection, as fast as it goes. Bytes are counted, not looked at.
//
// Up counts what the local kernel took, so give it a warm-up, after which the buffers on the way are full.
#pragma once

#include <vector>

#include "load/model.h"

namespace holdfast::load {

class BulkModel final : public Model {
 public:
  BulkModel(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader);

 private:
  void on_start() override;
  void on_readable(base::Key key, Connection& connection, net::Ready ready) override;
  void on_writable(base::Key key, Connection& connection) override;
  void on_more(base::Key key, Connection& connection) override;

  void read_some(base::Key key, Connection& connection);
  void write_some(base::Key key, Connection& connection);
  void note_bytes(std::size_t bytes, base::Time now);

  std::vector<std::byte> buffer_;
};

}  // namespace holdfast::load
