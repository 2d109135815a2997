Network net_1 {
  // conv-1.a
  Layer conv_1_a {
    Type: CONV
    Stride { X: 2, Y: 1 }
    Dimensions { K: 8, C: 8, R: 3, S: 3, Y: 10, X: 17 }
    Dataflow {
      TemporalMap(8, 8) K;
      SpatialMap(4, 2) Y;
      TemporalMap(3, 3) R;
      TemporalMap(3, 3) S;
      TemporalMap(4, 4) C;
      TemporalMap(3, 2) X;
      Cluster(3, P);
      SpatialMap(2, 1) Y;
      SpatialMap(1, 1) R;
    }
  }
}
